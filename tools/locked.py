"""What uv.lock pins, once it agrees with pyproject.toml."""

import subprocess
from pathlib import Path

from steps.errors import StepError, listed
from steps.lock import Pin, export, parse, parse_file


def pins(folder: Path, *which: str) -> tuple[Pin, ...]:
    """Read the pins of a project's lock, without hashes.

    Parameters
    ----------
    folder : Path
        Holds ``pyproject.toml`` and ``uv.lock``.
    *which : str
        ``steps.lock.RUNTIME``, ``SHIPPED`` or ``EVERYTHING``.

    Returns
    -------
    tuple of Pin
        Of the whole closure, for every Python and platform.

    Raises
    ------
    StepError
        The two files disagree, or a package comes from elsewhere than an index.
    """
    try:
        text = export(folder, "--locked", "--no-hashes", *which)
    except subprocess.CalledProcessError as error:
        raise StepError(
            "uv.lock must pin what pyproject.toml declares, and does not: run "
            f"`uv run python -m tools render` (uv says: {' '.join(error.stderr.split())})"
        ) from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    other = [line for line in lines if not parse_file(line)]
    if other:
        raise StepError(
            "uv.lock: expected every package from an index, as name==version, got "
            f"{listed(other)}: conda.yaml cannot name it, and nobody knows its advisories; publish "
            "it to an index"
        )
    return tuple(map(parse, lines))
