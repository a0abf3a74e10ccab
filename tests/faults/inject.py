"""A step in a process of its own, in which a fault strikes at a chosen point."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mlflow.store.artifact.local_artifact_repo as local_store
import skl2onnx  # noqa: F401
import sklearn.ensemble  # noqa: F401
from mlflow import MlflowClient

import steps.approval
import steps.package
import steps.proof
import steps.publish
import steps.train
from steps.runs import launch
from tests.conftest import ENTRY_POINTS, ROOT

# where a fault strikes: the object and its function that is just being called
POINTS = {
    "reading": (steps.train, "parse_table"),
    "fitting": (steps.train, "fit"),
    "logging the model": (local_store.LocalArtifactRepository, "log_artifacts"),
    "verifying": (steps.proof, "_answer_there"),
    "after register": (steps.publish, "move_alias"),
    "before alias": (MlflowClient, "set_registered_model_alias"),
}
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])  # every child has its imports done


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
        fault: tuple[str, str] | None,
        **params: object,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        argv = [f"--{name}={value}" for name, value in params.items()]
        self.process = CONTEXT.Process(
            target=_run, args=(str(folder), entry_point, settings, fault, argv)
        )
        self.process.start()

    def wait(self) -> Done:
        """Wait for its end."""
        self.process.join(300)
        out, err = (Path(self.folder, name).read_text() for name in ("out", "err"))
        return Done(self.process.exitcode, out, err)


def run(folder: Path, entry_point: str, settings: dict[str, str], fault=None, **params) -> Done:
    """Run a step to its end."""
    return Child(folder, entry_point, settings, fault, **params).wait()


def _run(folder: str, entry_point: str, settings: dict, fault: tuple | None, argv: list) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{folder}/{name}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            del os.environ[name]
    os.environ.update(settings)
    os.chdir(ROOT)
    if fault:
        point, what = fault
        owner, name = POINTS[point]
        setattr(owner, name, _struck(getattr(owner, name), what))
    status = launch(entry_point, ENTRY_POINTS[entry_point].run, argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _struck(function: Callable, what: str) -> Callable:
    def struck(*args, **kwargs):
        if what.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, what))
        else:
            raise OSError(28, "No space left on device")
        return function(*args, **kwargs)

    return struck
