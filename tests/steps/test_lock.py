from steps.lock import locked_pins, parse, parse_file


def test_a_line_is_read_and_written_alike():
    line = 'tzdata==2026.6; sys_platform == "win32" --hash=sha256:ab --hash=sha256:cd'
    pin = parse(line)
    assert (pin.name, pin.version, pin.hashes, pin.here) == (
        "tzdata",
        "2026.6",
        ("ab", "cd"),
        False,
    )
    assert pin.line == line


def test_a_file_may_continue_its_lines_and_hold_options():
    text = "--no-index\nsix==1.17.0 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\nNum_py==1\n"
    assert [pin.line for pin in parse_file(text)] == [
        "six==1.17.0 --hash=sha256:ab --hash=sha256:cd",
        "num-py==1",
    ]


def test_every_package_of_the_lock_has_hashes():
    pins = locked_pins()
    assert {"mlflow-skinny", "onnxruntime", "pytest"} <= {pin.name for pin in pins}
    assert all(pin.hashes for pin in pins)
