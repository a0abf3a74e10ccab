"""Where a run comes from: author, commit, machine, packages and the very scripts."""

import getpass
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import mlflow

from steps.cache import packages, sources
from steps.git import git
from steps.parameters import PROJECT

MAX_DIFF = 200_000  # characters
PROJECT_FILES = ("MLproject", "conda.yaml", "pyproject.toml")


@cache
def tags() -> dict[str, str]:
    """Describe author, commit and machine, for the tags of a run.

    Returns
    -------
    dict of str to str
        ``author``, ``python``, ``platform``, ``cpu``, ``gpu``, and of a project under git
        ``git_commit``, ``git_branch`` and ``git_dirty``.
    """
    return {
        "author": git(PROJECT, "config", "user.name") or _user(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": f"{os.cpu_count()} x {platform.processor() or platform.machine()}",
        "gpu": _gpu(),
    } | _commit()


def log_sources(step: str) -> None:
    """Log to the active run the scripts of a step, the environment and what no commit holds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (*sources(step), *(PROJECT / name for name in PROJECT_FILES)):
            if path.is_file():
                copy = folder / "code" / path.relative_to(PROJECT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        (folder / "code" / "packages.txt").write_text("\n".join(packages()) + "\n")
        if tags().get("git_dirty") == "true":
            (folder / "code" / "uncommitted.diff").write_text(uncommitted(), encoding="utf-8")
        mlflow.log_artifacts(name)


def uncommitted() -> str:
    """Show the changes that no commit holds, cut where they are long.

    Returns
    -------
    str
        A diff of the tracked files, after the names of the untracked scripts; what git ignores is
        in neither.
    """
    lines = [f"# untracked: {name}" for name in _untracked().splitlines()]
    text = "\n".join(
        [*lines, git(PROJECT, "diff", "--no-color", "--no-ext-diff", "HEAD", "--", ".")]
    )
    if len(text) <= MAX_DIFF:
        return text + "\n"
    return f"{text[:MAX_DIFF]}\n# cut: {len(text) - MAX_DIFF} characters more\n"


def _commit() -> dict[str, str]:
    commit = git(PROJECT, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = (
        git(PROJECT, "status", "--porcelain", "--untracked-files=no", "--", ".") or _untracked()
    )
    return {
        "git_commit": commit,
        "git_branch": git(PROJECT, "rev-parse", "--abbrev-ref", "HEAD"),
        "git_dirty": "true" if changed else "false",
    }


def _untracked() -> str:
    return git(PROJECT, "ls-files", "--others", "--exclude-standard", "--", "*.py")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"


def _gpu() -> str:
    if not shutil.which("nvidia-smi"):
        return "none"
    done = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    return ", ".join(done.stdout.split("\n")).strip(", ") or "none"
