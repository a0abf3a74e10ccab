"""Questions to git."""

import os
import subprocess
from pathlib import Path

from steps.errors import StepError

SECONDS = 20  # that an answer may take
MOST_SECONDS = 600  # that a copy of a repository may take


def git(folder: Path, *arguments: str) -> str:
    """Ask git about a folder; empty where there is no git, no repository or no answer.

    Parameters
    ----------
    folder : Path
    *arguments : str
        After ``git``.
    """
    try:
        done = _run(folder, arguments, SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def have_done(folder: Path, *arguments: str) -> None:
    """Have git do something in a folder.

    Parameters
    ----------
    folder : Path
    *arguments : str
        After ``git``.

    Raises
    ------
    StepError
        In git's own words, when it does not.
    """
    try:
        done = _run(folder, arguments, MOST_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepError(f"git {arguments[0]}: {error}") from error
    if done.returncode:
        raise StepError(f"git {arguments[0]}: {' '.join(done.stderr.split())}")


def _run(
    folder: Path, arguments: tuple[str, ...], seconds: float
) -> subprocess.CompletedProcess[str]:
    # of a hook's settings, which name another repository, git is to know nothing
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment | {"GIT_TERMINAL_PROMPT": "0"},
        timeout=seconds, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
