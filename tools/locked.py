"""What uv.lock pins, once it agrees with pyproject.toml."""

import subprocess
from pathlib import Path

from steps.errors import StepError
from steps.lock import Pin, export


def pins(folder: Path, *which: str) -> tuple[Pin, ...]:
    """Read the pins of a project's lock, without hashes.

    Parameters
    ----------
    folder : Path
        Holds ``pyproject.toml`` and ``uv.lock``.
    *which : str
        ``steps.lock.RUNTIME`` or ``EVERYTHING``.

    Returns
    -------
    tuple of Pin
        Of the whole closure, for every Python and platform.

    Raises
    ------
    StepError
        The two files disagree.
    """
    try:
        return export(folder, "--locked", "--no-hashes", *which)
    except subprocess.CalledProcessError as error:
        raise StepError(
            "uv.lock must pin what pyproject.toml declares, and does not: run "
            f"`uv run python -m tools render` (uv says: {' '.join(error.stderr.split())})"
        ) from error
