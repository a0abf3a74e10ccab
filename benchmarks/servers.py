"""The servers that are compared: how each is started, and asked."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.environments import environment
from benchmarks.fixtures import Fixtures
from benchmarks.timing import ROOT, told

PATIENCE = 90  # seconds for a server to start
PEERS = Path(__file__).parent / "peers"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

OURS = "our own server"
SERVED = "mlflow models serve"
CONSTANT_MODEL = "constant PythonModel, served"
FLAVOR = "sklearn flavor, served"
PICKLED = "PythonModel over scikit-learn, served"
FASTAPI = "FastAPI + onnxruntime"
FLOOR = "FastAPI, constant"
BENTOML = "BentoML + onnxruntime"
MLSERVER = "MLServer, our artifact"


class Running(NamedTuple):
    """A server that was started."""

    port: int
    process: subprocess.Popen

    def answer(self, body: bytes) -> Any:
        """Ask once."""
        url = f"http://127.0.0.1:{self.port}/invocations"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with DIRECT.open(request, timeout=30) as response:
            return json.load(response)

    def load(self, body_file: Path, clients: int, seconds: float) -> dict[str, float]:
        """Ask for some seconds, from a process of its own."""
        arguments = [self.port, "/invocations", body_file, clients, seconds]
        script = [sys.executable, str(Path(__file__).with_name("load.py"))]
        return json.loads(told([*script, *map(str, arguments)], body_file.parent))


def commands(fixtures: Fixtures, folder: Path) -> dict[str, Callable[[int], tuple]]:
    """Tell how to start each server.

    Returns
    -------
    dict of str to callable
        Takes a port; gives the command and its environment variables. Raises ``SystemExit`` with
        the reason where it cannot be started here.
    """
    artifact = str(fixtures.artifact)

    def script(name: str) -> Callable[[int], tuple]:
        return lambda port: ([sys.executable, str(PEERS / name), artifact, str(port)], {})

    def served(model: Path) -> Callable[[int], tuple]:
        options = ["--env-manager", "local", "-h", "127.0.0.1"]
        mlflow = [str(Path(sys.executable).with_name("mlflow")), "models", "serve"]
        return lambda port: ([*mlflow, "-m", str(model), *options, "-p", str(port)], {})

    return {
        OURS: lambda port: _ours(artifact, port),
        SERVED: served(fixtures.artifact),
        CONSTANT_MODEL: served(fixtures.constant),
        FLAVOR: served(fixtures.flavor),
        PICKLED: served(fixtures.python_model),
        FASTAPI: script("fastapi_onnx.py"),
        FLOOR: script("fastapi_constant.py"),
        BENTOML: lambda port: _bento(artifact, port),
        MLSERVER: lambda port: _mlserver(fixtures.artifact, folder / "mlserver", port),
    }


def _ours(artifact: str, port: int) -> tuple[list[str], dict[str, str]]:
    if find_spec("steps.serve") is None:
        raise SystemExit("there is no steps/serve.py")
    options = ["--model_uri", artifact, "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "steps.serve", *options], {}


def _bento(artifact: str, port: int) -> tuple[list[str], dict[str, str]]:
    python = environment("bentoml", "onnxruntime", "uvloop", "httptools")
    program = [str(python), "-m", "bentoml", "serve", "bento:Customers"]
    options = ["--working-dir", str(PEERS), "--host", "127.0.0.1", "--port", str(port)]
    settings = {"ARTIFACT": artifact, "BENTOML_DO_NOT_TRACK": "true", "PYTHONPATH": str(PEERS)}
    return [*program, *options], settings


def _mlserver(artifact: Path, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    pins = (artifact / "requirements.txt").read_text().split()
    python = environment("mlserver", "mlserver-mlflow", *pins)
    folder.mkdir(exist_ok=True)
    model = {
        "name": "customers",
        "implementation": "mlserver_mlflow.MLflowRuntime",
        "parameters": {"uri": str(artifact)},
    }
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    server = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False} | ports
    (folder / "model-settings.json").write_text(json.dumps(model))
    (folder / "settings.json").write_text(json.dumps(server))
    return [str(python.with_name("mlserver")), "start", str(folder)], {}


@contextmanager
def running(name: str, start: Callable[[int], tuple], folder: Path) -> Iterator[Running]:
    """Run a server, which may not answer yet."""
    port = free_port()
    arguments, settings = start(port)
    with (folder / f"{name}.log".replace(" ", "-")).open("w") as log:
        process = subprocess.Popen(
            arguments, cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield Running(port, process)
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def first_answer(server: Running, body: bytes, pause: float = 0.005) -> Any:
    """Ask until a server answers; returns the answer."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return server.answer(body)
        except (OSError, urllib.error.HTTPError) as error:
            if time.monotonic() > deadline or server.process.poll() is not None:
                raise SystemExit(f"no answer ({error}), {server.process.args}") from error
            time.sleep(pause)


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
