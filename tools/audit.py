"""Ask pip-audit about every pin of uv.lock, and hold that only what was audited is clean."""

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from uv import find_uv_bin

from steps.errors import StepError, listed
from steps.lock import EVERYTHING, Pin
from tools.locked import pins

ALONE = ("run", "--quiet", "--isolated", "--frozen", "--only-group=audit")
ONLY_AS_TOLD = ("--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json")


def judge(wanted: Iterable[tuple[str, str]], reports: Iterable[dict]) -> list[str]:
    """Tell what is wrong with the pins, by what pip-audit reported.

    Parameters
    ----------
    wanted : iterable of tuple of str
        Name and version of all that should have been audited.
    reports : iterable of dict
        What pip-audit wrote as JSON.

    Returns
    -------
    list of str
        A sentence on each vulnerable version, and one on those that were not audited: pip-audit
        itself is content with those.
    """
    found = [one for report in reports for one in report["dependencies"]]
    audited = {(one["name"], one["version"]): one["vulns"] for one in found if "vulns" in one}
    problems = [
        f"{name} {version} is vulnerable: {flaw['id']}, {_mended(flaw['fix_versions'])}"
        for (name, version), flaws in sorted(audited.items())
        for flaw in flaws
    ]
    wanted = set(wanted)
    missed = sorted(wanted - audited.keys())
    if missed:
        why = next((one["skip_reason"] for one in found if "skip_reason" in one), "not reported")
        problems.append(
            f"{len(missed)} of {len(wanted)} pins were not audited, so nothing is known of them: "
            f"{listed(' '.join(pin) for pin in missed)} (pip-audit says: {why}); "
            "expected the advisories of pypi.org, which a mirror or a closed network may not have"
        )
    return problems


def _mended(versions: list[str]) -> str:
    return f"fixed in {', '.join(versions)}" if versions else "not fixed yet"


def batches(locked: Iterable[Pin]) -> list[dict[str, str]]:
    """Deal the pins out so that no name comes twice in a batch, which pip-audit refuses.

    Parameters
    ----------
    locked : iterable of Pin
        A package has several where the lock forks.

    Returns
    -------
    list of dict of str to str
        Versions by name; no markers, by which pip-audit drops what this machine would not install.
    """
    dealt: list[dict[str, str]] = []
    for name, version in sorted({(pin.name, pin.version) for pin in locked}):
        batch = next((one for one in dealt if name not in one), None)
        if batch is None:
            dealt.append(batch := {})
        batch[name] = version
    return dealt


def ask(batch: dict[str, str]) -> dict:
    """Let pip-audit report on pins.

    Parameters
    ----------
    batch : dict of str to str
        Versions by name.

    Returns
    -------
    dict
        Its JSON.

    Raises
    ------
    StepError
        It broke off, as it does when it reaches no server.
    """
    with TemporaryDirectory() as folder:
        listing = Path(folder) / "requirements.txt"
        listing.write_text("".join(f"{name}=={version}\n" for name, version in batch.items()))
        done = pip_audit(f"--requirement={listing}")
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise StepError(
            f"nothing was audited: uv run pip-audit broke off: {last}; expected the advisories of "
            "pypi.org to be reachable"
        ) from None


def pip_audit(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pip-audit, in an environment of its own."""
    command = [find_uv_bin(), *ALONE, "pip-audit", *ONLY_AS_TOLD, *arguments]
    env = os.environ | {"UV_NO_SYNC": "0"}  # which nox sets
    return subprocess.run(command, capture_output=True, text=True, env=env)


def main() -> None:
    """Audit every pin of uv.lock: of every group, extra, Python and platform.

    Raises
    ------
    StepError
        A version is vulnerable, or was not audited.
    """
    dealt = batches(pins(Path(), *EVERYTHING))
    wanted = [pin for batch in dealt for pin in batch.items()]
    problems = judge(wanted, map(ask, dealt))
    if problems:
        raise StepError("\n".join(problems))
    print(f"{len(wanted)} pins audited, no known vulnerability")
