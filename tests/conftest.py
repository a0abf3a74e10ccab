"""One tracking store and one happy path for the whole session; every test its own experiment."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from steps import evaluate, main, package, train
from steps.runs import launch

ROOT = Path(__file__).resolve().parent.parent
ENTRY_POINTS = {"main": main, "train": train, "evaluate": evaluate, "package": package}


def environment(**changes: str) -> dict[str, str]:
    """Build a child's environment: this interpreter first, none of the caller's MLflow settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "PYTHONPATH", "UV_RUN"))
    }
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
    return kept | changes


def shell(command: list[str] | str, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(**changes),
        shell=isinstance(command, str),
        capture_output=True,
        text=True,
        timeout=400,
    )


class Outcome(NamedTuple):
    """What a step launched in this process did."""

    status: int
    out: str
    err: str
    experiment_id: str

    def runs(self, step: str | None = None) -> list[Run]:
        """Find the runs that it left, newest first."""
        found = MlflowClient().search_runs([self.experiment_id])
        return [run for run in found if step in (None, run.data.tags.get("step"))]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a caller, away from the repository."""
    return tmp_path_factory.mktemp("caller")


@pytest.fixture(scope="session")
def happy(workspace: Path) -> subprocess.CompletedProcess[str]:
    """The first command of the README, from another folder."""
    done = shell(["mlflow", "run", str(ROOT), "--env-manager", "local"], workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def store(happy: subprocess.CompletedProcess[str], workspace: Path) -> str:
    """The tracking URI of the happy path's store."""
    return f"sqlite:///{workspace / 'mlflow.db'}"


@pytest.fixture
def client(store: str) -> Iterator[MlflowClient]:
    """A client of the session's store, which is also this process's store for the test."""
    mlflow.set_tracking_uri(store)
    yield MlflowClient(store)
    mlflow.set_tracking_uri(None)


@pytest.fixture
def step(
    client: MlflowClient,
    workspace: Path,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Outcome]:
    """Launch an entry point in this process, in an experiment of the test's own."""
    experiment_id = client.create_experiment(
        f"{request.node.nodeid}", artifact_location=str(workspace / "mlruns")
    )
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment_id)
    monkeypatch.chdir(ROOT)

    def run(entry_point: str, **params: object) -> Outcome:
        argv = [f"--{name}={value}" for name, value in params.items()]
        capfd.readouterr()
        status = launch(entry_point, ENTRY_POINTS[entry_point].run, argv)
        return Outcome(status, *capfd.readouterr(), experiment_id)

    return run
