"""A past training done again: in its own code, on its own data, in its own environment."""

import json
import platform
import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from mlflow import MlflowClient
from uv import find_uv_bin

from steps import console
from steps.cache import packages
from steps.errors import StepError
from steps.files import is_uri, local_path
from steps.folders import sha256_of
from steps.inputs import file_name
from steps.isolation import Environment, clean_environment, stop
from steps.outage import without_password
from steps.parameters import PROJECT
from steps.recorded import PACKAGES, Recorded, read_record

AGAIN = "again"  # the folder of what came of it
CURRENT = "current"
ENVIRONMENTS = ("recorded", CURRENT)
# both steps in one process, as python -m runs them: half the time goes into imports
STEPS = """\
import json, runpy, sys
for step, *arguments in json.loads(sys.argv[1]):
    sys.argv = [step, *arguments]
    try:
        runpy.run_module(f"steps.{step}", run_name="__main__", alter_sys=True)
    except SystemExit as done:
        if done.code:
            raise
"""


def find_data(recorded: Recorded, project: Path, data_now: str, folder: Path) -> Path:
    """Find the very data that a run was made of.

    Parameters
    ----------
    recorded : Recorded
    project : Path
        The code of the run: its commit may hold the data.
    data_now : str
        Path or URI. Empty: where it was.
    folder : Path
        For what is downloaded.

    Returns
    -------
    Path

    Raises
    ------
    StepError
        When it is not there, or other data is.
    """
    was, expected = recorded.train_run.data.params["data"], recorded.tags["data_sha256"]
    inside = not (data_now or is_uri(was) or Path(was).expanduser().is_absolute())
    places = [str(project / was), str(PROJECT / was)] if inside else [data_now or was]
    for place in places:
        try:
            path = local_path(place, str(folder))
        except StepError as error:
            found = str(error).partition(";")[0]
            continue
        sha256 = sha256_of(path)
        if sha256 == expected:
            return path
        found = f"data: {without_password(place)} has the SHA-256 {sha256}"
    raise StepError(
        f"{found}; run {recorded.run_id} was made of {was} with the SHA-256 {expected}: say where "
        f"that is now with data_now=<path or URI>{_copy(recorded, was)}"
    )


def _copy(recorded: Recorded, was: str) -> str:
    """Name the copy of the data that a run keeps of a small file."""
    path = f"data/{file_name(was)}"
    kept = {file.path for file in MlflowClient().list_artifacts(recorded.run_id, "data")}
    return (
        f"; the run keeps a copy: data_now=runs:/{recorded.run_id}/{path}" if path in kept else ""
    )


def make_python(recorded: Recorded, environment: str, folder: Path) -> str:
    """Find or make an interpreter with the packages that a run was made with.

    Parameters
    ----------
    recorded : Recorded
    environment : str
        One of ``ENVIRONMENTS``.
    folder : Path
        That is not there yet, for a new one.

    Returns
    -------
    str
        Its path: of this very interpreter, where that is asked for or holds the same.

    Raises
    ------
    StepError
        When there is no such Python, or a package cannot be had.
    """
    version = recorded.tags["python"]
    same_python = platform.python_version() == version
    if environment == CURRENT or (same_python and packages() == recorded.packages):
        return sys.executable
    wanted = sys.executable if same_python else version
    python, listed = str(folder / "bin" / "python"), str(recorded.code / PACKAGES)
    for command in (
        ["venv", "--quiet", "--python", wanted, str(folder)],
        ["pip", "install", "--quiet", "--no-deps", "--python", python, "--requirement", listed],
    ):
        done = subprocess.run(
            [find_uv_bin(), *command], cwd=folder.parent, env=clean_environment(),
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise StepError(
                f"environment: uv cannot make that of run {recorded.run_id} (Python {version}, "
                f"{len(recorded.packages)} packages): {' '.join(done.stderr.split())[-400:]}; get "
                f"what it lacks, or say environment={CURRENT} to train in this one"
            )
    return python


def train_again(recorded: Recorded, project: Path, data: Path, python: str, log: Path) -> Recorded:
    """Train and evaluate as a run did, in a process and a tracking store of its own.

    Parameters
    ----------
    recorded : Recorded
    project : Path
        The code.
    data : Path
    python : str
        The interpreter.
    log : Path
        Gets what the two steps print; the store lies beside it.

    Returns
    -------
    Recorded
        What they recorded.

    Raises
    ------
    StepError
        When they fail, with their own reason.
    """
    uri = f"sqlite:///{log.parent / 'mlflow.db'}"
    steps = json.dumps(
        [["train", *arguments_of(recorded, project, data)], ["evaluate", "--gates="]]
    )
    command = shlex.join([python, "-c", STEPS, steps])
    process = Environment([], python, {}).start(command, project, log, MLFLOW_TRACKING_URI=uri)
    try:
        with console.progress("training again"):
            status = process.wait()
    finally:
        stop(process)
    if status:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [
            "no word"
        ]
        said = [line for line in lines if line.startswith("error: ")] or lines
        raise StepError(
            f"run {recorded.run_id} does not run again: {said[-1].removeprefix('error: ')}"
        )
    client = MlflowClient(uri)
    (train_run,) = client.search_runs(["0"], "tags.step = 'train'")
    return read_record(client, train_run, log.parent / AGAIN)


def arguments_of(recorded: Recorded, project: Path, data: Path) -> list[str]:
    """Spell out what train is given: all from the record, of the parameters that its code has.

    Parameters
    ----------
    recorded : Recorded
    project : Path
    data : Path

    Returns
    -------
    list of str
        ``--name=value``. A training that went on from a checkpoint is done from its first epoch,
        which ends in the same bits: the checkpoint is in another store.
    """
    points = yaml.safe_load((project / "MLproject").read_text(encoding="utf-8"))["entry_points"]
    params = recorded.train_run.data.params
    given = {name: params[name] for name in points["train"]["parameters"] if name in params}
    given |= {"data": str(data)} | ({"resume_from": ""} if "resume_from" in given else {})
    return [f"--{name}={value}" for name, value in (given | recorded.hyperparameters).items()]
