"""What uv.lock pins, as uv exports it."""

import subprocess
from pathlib import Path

from packaging.requirements import Requirement
from uv import find_uv_bin

from steps.errors import StepError

RUNTIME = ("--no-dev",)
EVERYTHING = ("--all-groups", "--all-extras")


def pins(folder: Path, *which: str) -> list[Requirement]:
    """Read the pins of a project's lock.

    Parameters
    ----------
    folder : Path
        Holds ``pyproject.toml`` and ``uv.lock``.
    *which : str
        ``RUNTIME`` or ``EVERYTHING``.

    Returns
    -------
    list of Requirement
        ``name==version`` with the marker, of the whole closure, for every Python and platform.

    Raises
    ------
    StepError
        The two files disagree.
    """
    plain = ("--no-hashes", "--no-emit-project", "--no-annotate", "--no-header")
    done = subprocess.run(
        [find_uv_bin(), "export", "--locked", "--quiet", *plain, *which],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise StepError(
            "uv.lock must pin what pyproject.toml declares, and does not: run "
            f"`uv run python -m tools render` (uv says: {' '.join(done.stderr.split())})"
        )
    return [Requirement(line) for line in done.stdout.splitlines()]


def version_of(pin: Requirement) -> str:
    """Take the version out of ``name==version``.

    Examples
    --------
    >>> version_of(Requirement("numpy==2.4.6; python_version < '3.12'"))
    '2.4.6'
    """
    return str(pin.specifier).removeprefix("==")
