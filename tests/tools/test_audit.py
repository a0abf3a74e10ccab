import pytest

from steps.errors import StepError
from steps.lock import parse
from tools.audit import ask, batches, judge, pip_audit

WHY = "Dependency not found on PyPI and could not be audited: "
# what pip-audit 2.10.1 wrote behind a mirror, saying "No known vulnerabilities found"
UNREACHABLE = {
    "dependencies": [
        {"name": "aiohttp", "skip_reason": f"{WHY}aiohttp (3.14.5)"},
        {"name": "numpy", "skip_reason": f"{WHY}numpy (2.4.6)"},
    ],
    "fixes": [],
}
FLAW = {"id": "PYSEC-2018-28", "fix_versions": ["2.20.0"], "aliases": [], "description": "leaks"}
AUDITED = {
    "dependencies": [
        {"name": "numpy", "version": "2.4.6", "vulns": []},
        {"name": "requests", "version": "2.19.0", "vulns": [FLAW]},
    ],
    "fixes": [],
}


def test_what_was_audited_without_a_finding_is_clean():
    assert (
        judge([("numpy", "2.4.6")], [AUDITED | {"dependencies": AUDITED["dependencies"][:1]}]) == []
    )


def test_a_vulnerable_pin_is_named_with_the_advisory_and_its_mend():
    assert judge([("numpy", "2.4.6"), ("requests", "2.19.0")], [AUDITED]) == [
        "requests 2.19.0 is vulnerable: PYSEC-2018-28, fixed in 2.20.0"
    ]


def test_pins_that_pip_audit_skipped_are_not_taken_for_clean():
    (problem,) = judge([("aiohttp", "3.14.5"), ("numpy", "2.4.6")], [UNREACHABLE])
    assert problem == (
        "2 of 2 pins were not audited, so nothing is known of them: aiohttp 3.14.5, numpy 2.4.6 "
        f"(pip-audit says: {WHY}aiohttp (3.14.5)); "
        "expected the advisories of pypi.org, which a mirror or a closed network may not have"
    )


@pytest.mark.parametrize("missing", [("pywin32", "312"), ("numpy", "2.5.5")])
def test_a_pin_that_the_report_does_not_mention_was_not_audited(missing):
    (_, problem) = judge([("numpy", "2.4.6"), ("requests", "2.19.0"), missing], [AUDITED])
    assert problem.startswith(
        f"1 of 3 pins were not audited, so nothing is known of them: {' '.join(missing)} "
        "(pip-audit says: not reported)"
    )


def test_every_fork_and_platform_of_the_lock_is_asked_about():
    lines = ("numpy==2.4.6; python_version < '3.12'", "numpy==2.5.5; python_version >= '3.12'",
             "pywin32==312; sys_platform == 'win32'")  # fmt: skip
    assert batches(map(parse, lines)) == [
        {"numpy": "2.4.6", "pywin32": "312"}, {"numpy": "2.5.5"},
    ]  # fmt: skip


def test_a_vulnerable_pin_never_passes_wherever_it_is_audited():
    try:
        problem, *_ = judge([("requests", "2.19.0")], [ask({"requests": "2.19.0"})])
    except StepError as error:
        problem = str(error)
    assert problem.startswith((
        "requests 2.19.0 is vulnerable: ",
        "1 of 1 pins were not audited, so nothing is known of them: requests 2.19.0 ",
        "nothing was audited: uv run pip-audit broke off: ",
    ))  # fmt: skip


def test_pip_audit_is_there_and_takes_the_options():
    done = pip_audit("--version")
    assert (done.stdout.split()[:1], done.returncode) == (["pip-audit"], 0), done.stderr
