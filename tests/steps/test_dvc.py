import hashlib
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from steps.dvc import dvc_tags
from steps.errors import StepError
from steps.files import fetched

ROWS = b"a,b\r\n1,2\r\n"
MD5 = hashlib.md5(ROWS).hexdigest()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "x.csv"
    path.write_bytes(ROWS)
    return path


def track(data: Path, text: str = "", **out: object) -> Path:
    """Write the file beside the data as DVC does."""
    beside = Path(f"{data}.dvc")
    out = {"md5": MD5, "size": len(ROWS), "hash": "md5", "path": data.name} | out
    kept = {name: value for name, value in out.items() if value is not None}
    beside.write_text(text or yaml.safe_dump({"outs": [kept]}))
    return beside


def refusal(data: Path) -> str:
    with pytest.raises(StepError) as caught, fetched(str(data)):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def settings(data: Path, text: str, name: str = "config") -> None:
    (data.parent.parent / ".dvc" / name).write_text(text)


STORE = """[core]
    remote = store
['remote "store"']
    url = https://me:secret@host/bucket?sig=secret
    timeout = 3
['remote "other"']
    url = ../../elsewhere
"""


def test_a_file_that_dvc_does_not_track_has_no_tags(data):
    with fetched(str(data)):
        assert dvc_tags(data) == {}


def test_the_tracked_version_is_read_and_its_md5_and_path_are_told(data):
    track(data)
    with fetched(str(data)) as file:
        assert dvc_tags(file.path) == {"dvc_md5": MD5, "dvc_path": "data/x.csv"}


def test_another_version_is_refused_with_both_ways_out(data):
    beside = track(data)
    data.write_bytes(ROWS + b"3,4\r\n")
    other = hashlib.md5(data.read_bytes()).hexdigest()
    assert refusal(data) == (
        f"data: {data} is not the version that x.csv.dvc tracks: expected md5 {MD5} (10 bytes), "
        f"got md5 {other} (15 bytes); run dvc checkout {beside} for the tracked version, or "
        f"dvc add {data} to track this one"
    )


def test_a_missing_file_that_dvc_tracks_is_to_be_pulled(data):
    beside = track(data)
    data.unlink()
    assert refusal(data) == (
        f"data: expected a file, found nothing at {data}, which DVC tracks; run dvc pull {beside} "
        "to get it"
    )


def test_a_link_into_the_cache_of_dvc_is_recognised(data, tmp_path):
    data.rename(tmp_path / "cached")
    data.symlink_to(tmp_path / "cached")
    track(data)
    with fetched(str(data)) as file:
        assert dvc_tags(file.path)["dvc_md5"] == MD5


def test_the_md5_of_dvc_2_knows_no_windows_line_ends(data):
    md5 = hashlib.md5(ROWS.replace(b"\r\n", b"\n")).hexdigest()
    track(data, md5=md5, hash=None)
    with fetched(str(data)) as file:
        assert dvc_tags(file.path)["dvc_md5"] == md5
    track(data, hash=None)
    assert f"expected md5 {MD5} (10 bytes), got md5 {md5}" in refusal(data)


def test_dvc_2_left_the_bytes_of_a_binary_file_alone(data):
    data.write_bytes(b"\0\r\n")
    track(data, md5=hashlib.md5(b"\0\r\n").hexdigest(), hash=None)
    with fetched(str(data)) as file:
        assert dvc_tags(file.path)


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ({"md5": f"{MD5}.dir"}, "expected the md5 of a file, got that of a folder"),
        ({"md5": None, "hash": None, "etag": "e1"}, "expected the md5 of a file, got etag, which"),
        ({"md5": None, "hash": "sha256", "sha256": "e1"}, "md5 of a file, got sha256, which"),
        ({"path": "y.csv"}, "expected it to track x.csv, which is not among its outs; write it"),
    ],
)
def test_what_else_dvc_may_track_is_refused_in_a_line(data, out, said):
    beside = track(data, **out)
    assert refusal(data).startswith(f"data: {beside}: ")
    assert said in refusal(data)


@pytest.mark.parametrize(
    "text", ["{", "outs", "outs:\n", "outs: [1]", "- outs", "outs: [{md5: 1}]"]
)
def test_a_damaged_file_beside_the_data_is_refused_in_a_line(data, text):
    beside = track(data, text)
    assert refusal(data) == (
        f"data: {beside}: expected what dvc add writes (outs, each with md5 and path), got "
        f"something else; write it anew by dvc add {data}"
    )


def test_of_several_outputs_the_one_of_that_name_counts(data):
    track(
        data, f"wdir: ..\nouts: [{{md5: b, path: b}}, {{md5: {MD5}, hash: md5, path: data/x.csv}}]"
    )
    with fetched(str(data)) as file:
        assert dvc_tags(file.path)["dvc_md5"] == MD5


def test_the_default_remote_is_told_without_its_secrets(data):
    track(data)
    settings(data, STORE)
    assert dvc_tags(data)["dvc_remote"] == "store https://...@host/bucket"


def test_a_file_may_have_a_remote_of_its_own_at_a_path(data, tmp_path):
    track(data, remote="other")
    settings(data, STORE)
    assert dvc_tags(data)["dvc_remote"] == f"other {tmp_path.parent / 'elsewhere'}"


def test_local_settings_of_dvc_come_first(data):
    track(data)
    settings(data, STORE)
    settings(data, "['remote \"store\"']\n    url = s3://mine/here\n", "config.local")
    assert dvc_tags(data)["dvc_remote"] == "store s3://mine/here"


def test_settings_that_only_dvc_could_mend_stop_nothing(data):
    track(data)
    settings(data, "no section")
    assert dvc_tags(data) == {"dvc_md5": MD5, "dvc_path": "data/x.csv"}


def test_the_rev_is_the_commit_that_holds_the_dvc_file_and_says_when_none_does(data):
    track(data)
    author = "-c user.name=tests -c user.email=tests@localhost"
    subprocess.run(
        f"git init -q && git add -A && git {author} commit -qm all",
        shell=True, check=True, cwd=data.parent.parent,
    )  # fmt: skip
    rev = dvc_tags(data)["dvc_rev"]
    assert re.fullmatch("[0-9a-f]{40}", rev)
    track(data, size=None)
    assert dvc_tags(data)["dvc_rev"] == f"{rev}-dirty"
