"""The code of a past run, in a folder of its own: its commit, and what no commit holds."""

import shutil
from pathlib import Path

from steps.errors import StepError
from steps.git import git, have_done
from steps.parameters import PROJECT
from steps.recorded import PACKAGES, Recorded

DIFF = "uncommitted.diff"
NOTE = b"#"  # what stands for a diff that was too long to be kept, or not to be had, begins so


def check_out(recorded: Recorded, folder: Path) -> Path:
    """Write the code of a run into a folder; the user's own checkout is only read.

    Parameters
    ----------
    recorded : Recorded
    folder : Path
        That is not there yet.

    Returns
    -------
    Path
        Of the project in it.

    Raises
    ------
    StepError
        When the run names no commit, or the commit is nowhere to be had.
    """
    commit = recorded.tags.get("git_commit", "")
    if not commit:
        raise StepError(
            f"run {recorded.run_id} was made outside of git, so no commit is known that holds its "
            "code; its scripts are in code/ of the outermost run"
        )
    home = git(PROJECT, "rev-parse", "--show-toplevel")
    if not home:
        raise StepError(
            f"run {recorded.run_id} is of commit {commit}, and {PROJECT} is no git repository; run "
            "reproduce from a clone that has it, or by mlflow run <git URL> -e reproduce"
        )
    # shares the objects: no copy of the history, and no trace in the user's repository
    have_done(PROJECT, "clone", "--quiet", "--shared", "--no-checkout", home, str(folder))
    _fetch(folder, commit, recorded.run_id)
    have_done(folder, "checkout", "--quiet", "--detach", commit)
    project = folder / git(PROJECT, "rev-parse", "--show-prefix")
    _change(recorded, folder, project)
    return project


def is_whole(recorded: Recorded) -> bool:
    """Tell whether every uncommitted change was kept; else only the scripts are."""
    diff = recorded.code / DIFF
    return not (diff.exists() and diff.read_bytes().startswith(NOTE))


def _fetch(folder: Path, commit: str, run_id: str) -> None:
    """Get a commit that the user's repository lacks from where that came from."""
    if git(folder, "cat-file", "-t", commit) == "commit":
        return
    origin = git(PROJECT, "remote", "get-url", "origin")
    reason = "which has no remote origin"
    if origin:
        try:
            return have_done(folder, "fetch", "--quiet", "--depth=1", origin, commit)
        except StepError as error:
            reason = f"nor to be had from its origin ({error})"
    raise StepError(
        f"run {run_id} is of commit {commit}, which is not in the repository at {PROJECT}, "
        f"{reason}; git fetch it there, or run reproduce from a clone that has it"
    )


def _change(recorded: Recorded, folder: Path, project: Path) -> None:
    """Bring back what was not committed: the diff of tracked files, and scripts unknown to git."""
    code, whole = recorded.code, is_whole(recorded)
    diff, files = code / DIFF, [path for path in code.rglob("*") if path.is_file()]
    if whole and diff.exists() and diff.stat().st_size:
        have_done(folder, "apply", "--whitespace=nowarn", str(diff))
    for path in files:
        name = path.relative_to(code)
        place = project / name
        if str(name) not in (DIFF, PACKAGES) and not (whole and place.exists()):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
