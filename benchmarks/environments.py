"""Virtual environments for peers that do not resolve beside MLflow here."""

import hashlib
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parent / "results" / "environments"


def environment(*requirements: str) -> Path:
    """Make an environment by uv, or find it made; returns its Python.

    Raises
    ------
    SystemExit
        With uv's own word, when it cannot be made.
    """
    digest = hashlib.sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:8]
    folder = CACHE / f"{requirements[0]}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        make(folder, *requirements)
        (folder / "whole").touch()
    return python


def make(folder: Path, *arguments: str) -> None:
    """Make an environment in a folder, anew, and install into it."""
    python = str(folder / "bin" / "python")
    for command in (
        ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        ["uv", "pip", "install", "--quiet", "--python", python, *arguments],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(" ".join(done.stderr.split())[-300:])
