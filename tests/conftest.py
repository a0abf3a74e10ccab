"""One happy path for all test processes, each with a copy of its store; an experiment a test."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from steps import (
    compare,
    drift,
    evaluate,
    main,
    package,
    promote,
    reproduce,
    score,
    train,
    tune,
    verify,
    versions,
)
from steps.locks import locked
from steps.runs import launch

ROOT = Path(__file__).resolve().parent.parent
ENTRY_POINTS = {
    "main": main,
    "tune": tune,
    "train": train,
    "evaluate": evaluate,
    "package": package,
    "promote": promote,
    "versions": versions,
    "drift": drift,
    "verify": verify,
    "score": score,
    "compare": compare,
    "reproduce": reproduce,
}


def pytest_configure() -> None:
    """Heed the signals that nohup, or a shell's background job, ignores: children inherit that."""
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGTERM, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def environment(**changes: str) -> dict[str, str]:
    """Build a child's environment: this interpreter first, none of the caller's MLflow settings."""
    slow = "PYTHONDONTWRITEBYTECODE"  # each child would compile all that it imports
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "PYTHONPATH", "UV_RUN", "VIRTUAL_ENV", slow))
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
def once(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder in one of the test processes; the others wait for it, and share it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if hasattr(request.config, "workerinput") else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = base / name, base / f"{name}.done"
        with locked(base / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of one that failed
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def clone(once: Callable[..., Path]) -> Path:
    """A clone of this checkout, uncommitted changes included, tagged as the README has it."""
    return once("clone", _clone) / "pyfunc-classifier"


def _clone(made: Path) -> None:
    folder = made / "pyfunc-classifier"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    author = "-c user.name=tests -c user.email=tests@localhost"
    done = shell(
        f"git init -q -b main && git add -A && git {author} commit -qm all && git tag v0.1.0",
        folder,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def first_command(once: Callable[..., Path], clone: Path) -> Path:
    """What the first command of the README said in the clone, and the store that it left."""

    def run(folder: Path) -> None:
        done = shell("uv run mlflow run . --env-manager local", clone)
        assert done.returncode == 0, done.stdout + done.stderr
        said = {"args": done.args, "returncode": 0, "stdout": done.stdout, "stderr": done.stderr}
        (folder / "said.json").write_text(json.dumps(said))
        shutil.copy(clone / "mlflow.db", folder)

    return once("first-command", run)


@pytest.fixture(scope="session")
def happy(first_command: Path) -> subprocess.CompletedProcess[str]:
    """The first command of the README, in the clone."""
    return subprocess.CompletedProcess(**json.loads((first_command / "said.json").read_text()))


@pytest.fixture(scope="session")
def store(first_command: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tracking URI of a copy of the happy path's store, of this test process's own."""
    return f"sqlite:///{shutil.copy(first_command / 'mlflow.db', tmp_path_factory.mktemp('store'))}"


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the experiments that the tests make keep their artifacts."""
    return str(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="session")
def serving_python(once: Callable[..., Path], store: str) -> Path:
    """The interpreter of a fresh environment that holds the artifact's requirements only."""

    def install(folder: Path) -> None:
        mlflow.set_tracking_uri(store)
        mlflow.artifacts.download_artifacts(
            "models:/pyfunc-classifier/1/requirements.txt", dst_path=str(folder)
        )
        mlflow.set_tracking_uri(None)
        for command in (
            ["uv", "venv", "--quiet", "--python", sys.executable, "environment"],
            ["uv", "pip", "install", "-q", "-p", "environment", "-r", "requirements.txt"],
        ):
            done = shell(command, folder)
            assert done.returncode == 0, done.stderr

    return once("serving", install) / "environment" / "bin" / "python"


@pytest.fixture(scope="session")
def git_url(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A git URL; MLflow takes file:///.../tpl for git where only tpl.git exists."""
    folder = tmp_path_factory.mktemp("git")
    done = shell(f"git clone --quiet --bare {clone} tpl.git", folder)
    assert done.returncode == 0, done.stderr
    return f"file://{folder}/tpl"


@pytest.fixture(scope="session")
def tracking(store: str) -> dict[str, str]:
    """The setting with which a child in a foreign folder finds the store."""
    return {"MLFLOW_TRACKING_URI": store}


@pytest.fixture
def client(store: str) -> Iterator[MlflowClient]:
    """A client of the session's store, which is also this process's store for the test."""
    mlflow.set_tracking_uri(store)
    yield MlflowClient(store)
    mlflow.set_tracking_uri(None)


@pytest.fixture
def step(
    client: MlflowClient,
    artifacts: str,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Outcome]:
    """Launch an entry point in this process, in an experiment of the test's own."""
    experiment_id = client.create_experiment(request.node.nodeid, artifact_location=artifacts)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment_id)
    monkeypatch.chdir(ROOT)

    def run(entry_point: str, **params: object) -> Outcome:
        argv = [f"--{name}={value}" for name, value in params.items()]
        capfd.readouterr()
        status = launch(entry_point, ENTRY_POINTS[entry_point].run, argv)
        return Outcome(status, *capfd.readouterr(), experiment_id)

    return run
