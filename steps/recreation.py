"""A past training done again: in its own code, on its own data, in its own environment."""

import json
import os
import platform
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import yaml
from mlflow import MlflowClient
from uv import find_uv_bin

from steps import console
from steps.cache import packages
from steps.errors import StepError
from steps.isolation import Environment, clean_environment, stop
from steps.recorded import PACKAGES, Recorded, read_record

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
    wanted = sys.executable if same_python else _installed(version)
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


def _installed(version: str) -> str:
    """Name a Python to uv, which looks for one everywhere but where pyenv has them."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv"), "versions", version, "bin", "python")
    return str(pyenv.expanduser()) if pyenv.expanduser().exists() else version


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
    scratch = log.parent / "scratch"  # what the process would leave elsewhere if it were killed
    scratch.mkdir()
    settings = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{log.parent / 'mlflow.db'}",
        "TMPDIR": str(scratch),
    }
    steps = json.dumps(
        [["train", *arguments_of(recorded, project, data)], ["evaluate", "--gates="]]
    )
    command = shlex.join([python, "-c", STEPS, steps])
    process = Environment([], python, {}).start(command, project, log, **settings)
    try:
        status = _status_of(process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its store is thrown away: nothing to close
        stop(process)
    if status:
        raise StepError(f"run {recorded.run_id} does not run again: {_last_word(log)}")
    client = MlflowClient(settings["MLFLOW_TRACKING_URI"])
    (train_run,) = client.search_runs(["0"], "tags.step = 'train'")
    return read_record(client, train_run, log.parent)


def _last_word(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no word"]
    errors = [line for line in lines if line.startswith("error: ")]
    return (errors or lines)[-1].removeprefix("error: ")


def _status_of(process: subprocess.Popen) -> int:
    with console.progress("training again"):
        return process.wait()


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
