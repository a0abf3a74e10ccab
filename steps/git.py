"""Questions to git."""

import os
import subprocess
from pathlib import Path

SECONDS = 20  # that an answer may take


def git(folder: Path, *arguments: str) -> str:
    """Ask git about a folder; empty where there is no git, no repository or no answer.

    Parameters
    ----------
    folder : Path
    *arguments : str
        After ``git``.
    """
    # of a hook's settings, which name another repository, git is to know nothing
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, timeout=SECONDS,
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
