"""A step in a process of its own, in which a fault strikes at a chosen point."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple

import skl2onnx  # noqa: F401
import sklearn.ensemble  # noqa: F401
from mlflow import MlflowClient

import steps.approval
import steps.epochs
import steps.package
import steps.proof
import steps.publish
import steps.recreation
import steps.search
import steps.train
from steps.runs import launch
from tests.conftest import ENTRY_POINTS, ROOT
from tests.environments import apart_from_the_lock

# where a fault strikes: the object and its function that is just being called
POINTS = {
    "reading": (steps.train, "parse_table"),
    "fitting": (steps.train, "fit"),
    "searching": (steps.search, "score_trial"),
    "an epoch": (steps.epochs, "_train_one"),
    "a checkpoint": (MlflowClient, "log_model_artifacts"),
    "logging the model": (MlflowClient, "log_model_artifacts"),
    "verifying": (steps.proof, "_answer_there"),
    "training again": (steps.recreation, "_status_of"),
    "after register": (steps.publish, "move_alias"),
    "before alias": (MlflowClient, "set_registered_model_alias"),
}
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])  # every child has its imports done


class Meeting:
    """A fault that lets the test act at the chosen point: the step waits until it may go on."""

    def __init__(self) -> None:
        self.reached, self.go_on = CONTEXT.Event(), CONTEXT.Event()

    def strike(self) -> None:
        """Wait for the test, in the step's process; once."""
        self.reached.set()
        self.go_on.wait(120)


Fault = tuple[str, "str | Meeting"]  # "SIGTERM@5" strikes at the fifth call


class Done(NamedTuple):
    """How a process ended."""

    status: int  # negative: the signal that killed it
    out: str
    err: str


class Child:
    """A step that runs."""

    def __init__(
        self,
        folder: Path,
        entry_point: str,
        settings: dict[str, str],
        fault: Fault | list[Fault] | None,
        cwd: Path = ROOT,
        **params: object,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        faults = fault if isinstance(fault, list) else [fault] if fault else []
        self.folder = folder
        argv = [f"--{name}={value}" for name, value in params.items()]
        self.process = CONTEXT.Process(
            target=_run, args=(str(folder), str(cwd), entry_point, settings, faults, argv)
        )
        self.process.start()

    def wait(self) -> Done:
        """Wait for its end."""
        self.process.join(300)
        out, err = (Path(self.folder, name).read_text() for name in ("out", "err"))
        return Done(self.process.exitcode, out, apart_from_the_lock(err))


def run(folder: Path, entry_point: str, settings: dict[str, str], fault=None, **params) -> Done:
    """Run a step to its end."""
    return Child(folder, entry_point, settings, fault, **params).wait()


def _run(
    folder: str, cwd: str, entry_point: str, settings: dict, faults: list[Fault], argv: list
) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{folder}/{name}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            del os.environ[name]
    os.environ.update(settings)
    os.chdir(cwd)
    for point, what in faults:
        owner, name = POINTS[point]
        setattr(owner, name, _struck(getattr(owner, name), what))
    status = launch(entry_point, ENTRY_POINTS[entry_point].run, argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _struck(function: Callable, what: str | Meeting) -> Callable:
    calls = count(1)

    def struck(*args, **kwargs):
        name, _, nth = ("", "", "") if isinstance(what, Meeting) else what.partition("@")
        if nth and next(calls) != int(nth):
            return function(*args, **kwargs)
        if isinstance(what, Meeting):
            what.strike()
        elif name.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, name))
        else:
            raise OSError(28, "No space left on device")
        return function(*args, **kwargs)

    return struck
