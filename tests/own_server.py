"""Our own server as a process, and what it takes to ask it."""

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT, environment
from tests.serving import free_port

JSON = "application/json"


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def message(self) -> str:
        return json.loads(self.text)["message"]

    @property
    def predictions(self) -> list[dict[str, Any]]:
        assert self.status == 200, self.text
        return json.loads(self.text)["predictions"]


class OwnServer(NamedTuple):
    """A running ``python -m steps.serve``."""

    port: int
    process: subprocess.Popen
    log: Path  # stdout: one line of JSON a request
    errors: Path  # stderr

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> Reply:
        """Ask for a page."""
        return self.send("GET", path, None, headers)

    def ask(self, body: str | bytes, content_type: str = JSON, **headers: str) -> Reply:
        """Post to ``/invocations``."""
        return self.send("POST", "/invocations", body, headers | {"Content-Type": content_type})

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Reply:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = body.encode() if isinstance(body, str) else body
            with suppress(BrokenPipeError):  # it may answer before the whole body is sent
                connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read().decode()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, text)
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """Scrape the metrics: each with its labels as it stands."""
        lines = self.get("/metrics").text.splitlines()
        pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return {name: float(value) for name, _, value in pairs}

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def own_server(
    model_uri: object, folder: Path, settings: dict[str, str] | None = None, **params: object
) -> Iterator[OwnServer]:
    """Serve a model; the logs are written to a folder."""
    port = free_port()
    command = [f"--{name}={value}" for name, value in params.items()]
    log, errors = folder / f"access-{port}.log", folder / f"errors-{port}.log"
    with log.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "steps.serve", f"--model_uri={model_uri}", f"--port={port}",
             *command],
            cwd=ROOT, env=environment(**(settings or {})), stdout=out, stderr=err,
        )  # fmt: skip
    server = OwnServer(port, process, log, errors)
    try:
        wait_until_ready(server)
        yield server
    finally:
        process.kill()
        process.wait(30)


def wait_until_ready(server: OwnServer) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            server.get("/ping")
            return
        except OSError:
            assert server.process.poll() is None, server.errors.read_text()
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.05)
