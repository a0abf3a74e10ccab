"""Where a run comes from: author, commit, machine, packages and the very scripts."""

import getpass
import os
import platform
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import mlflow

from steps.cache import packages, sources
from steps.errors import StepError
from steps.git import git, have_done
from steps.parameters import PROJECT

MAX_DIFF = 200_000  # bytes
QUICK = ("--no-ahead-behind", "--untracked-files=no")
# what a user's own settings may make of a diff, git apply does not take
UNSET = ("-U3", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/")
PROJECT_FILES = ("MLproject", "conda.yaml", "pyproject.toml")


@cache
def tags() -> dict[str, str]:
    """Describe author, commit and machine, for the tags of a run.

    Returns
    -------
    dict of str to str
        ``author``, ``python``, ``platform``, ``cpu``, ``gpu``, and of a project under git
        ``git_commit``, ``git_branch`` and ``git_dirty`` (true, false, or unknown where git did not
        answer).
    """
    return {
        "author": git(PROJECT, "config", "user.name") or _user(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": f"{os.cpu_count()} x {_processor()}",
        "gpu": _gpu(),
    } | _commit()


def log_sources(step: str) -> None:
    """Log to the active run the scripts of a step, the packages and what no commit holds.

    Under ``code/``: the modules of the step, the scripts that git does not know yet (none that it
    ignores), ``packages.txt`` and, of changed files, ``uncommitted.diff``.
    """
    with tempfile.TemporaryDirectory() as name:
        code = Path(name, "code")
        code.mkdir()
        own = [PROJECT / name for name in (*PROJECT_FILES, *_untracked())]
        for path in {*sources(step), *own}:
            if path.is_file():
                copy = code / path.relative_to(PROJECT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
        (code / "packages.txt").write_text("\n".join(packages()) + "\n")
        if tags().get("git_dirty", "false") != "false":
            write_diff(code / "uncommitted.diff")
        mlflow.log_artifacts(name)


def write_diff(path: Path) -> None:
    """Write the changes of tracked files as ``git apply`` takes them; of long ones a summary."""
    changes = ("--no-color", "--no-ext-diff", "--no-textconv", "HEAD", "--", ".")
    try:
        have_done(PROJECT, "diff", "--binary", *UNSET, f"--output={path}", *changes)
    except StepError as error:
        path.write_text(f"# not to be had: {error}\n")
    if path.is_file() and path.stat().st_size > MAX_DIFF:
        summary = git(PROJECT, "diff", "--stat", *changes)
        path.write_text(f"# longer than {MAX_DIFF} bytes, in short:\n{summary}\n"[:MAX_DIFF])


def _commit() -> dict[str, str]:
    commit = git(PROJECT, "rev-parse", "HEAD")
    if not commit:
        return {}
    # with a first line of the branch, so that no answer is none
    told = git(PROJECT, "status", "--porcelain", "--branch", *QUICK, "--", ".")
    changed = len(told.splitlines()) > 1 or _untracked()
    return {
        "git_commit": commit,
        "git_branch": git(PROJECT, "rev-parse", "--abbrev-ref", "HEAD"),
        "git_dirty": "true" if changed else "false" if told else "unknown",
    }


def _untracked() -> list[str]:
    """Name the scripts that git neither tracks nor ignores."""
    found = git(PROJECT, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.py")
    return [name for name in found.split("\0") if name]


def _processor() -> str:
    """Name the model: two of the same family may round differently."""
    about = Path("/proc/cpuinfo")  # of Linux
    found = re.search(r"(?m)^model name\s*:\s*(.+)$", about.read_text() if about.exists() else "")
    return found[1] if found else platform.processor() or platform.machine()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"


def _gpu() -> str:
    if not shutil.which("nvidia-smi"):
        return "none"
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return ", ".join(found.split("\n")).strip(", ") or "none"
