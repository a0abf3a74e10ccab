"""A real ``mlflow models serve``, and what it takes to ask it."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import environment


class Server(NamedTuple):
    """A running ``mlflow models serve``."""

    url: str

    def ask(self, body: str | bytes, content_type: str = "application/json") -> tuple[int, str]:
        """Post to ``/invocations``; returns status and body."""
        request = urllib.request.Request(
            f"{self.url}/invocations",
            body.encode() if isinstance(body, str) else body,
            {"Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen, path: str = "ping") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/{path}", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no answer at {url}, exit status {process.poll()}")


@contextmanager
def serving(python: Path, artifact: Path) -> Iterator[Server]:
    """Serve an artifact in the environment of an interpreter."""
    port = free_port()
    command = [str(python.parent / "mlflow"), "models", "serve", "-m", str(artifact)]
    url = f"http://127.0.0.1:{port}"
    with started([*command, "--env-manager", "local", "--port", str(port)], python, artifact, url):
        yield Server(url)


@contextmanager
def started(
    command: list[str], python: Path, artifact: Path, url: str, **settings: str
) -> Iterator[None]:
    """Run a command beside an artifact, in the environment of an interpreter, once it answers."""
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        command,
        cwd=artifact.parent,
        env=environment(PATH=path, **settings),
        stdout=subprocess.DEVNULL,
        stderr=(artifact.parent / "server.log").open("w"),
        start_new_session=True,
    )
    try:
        wait_for(url, process)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
