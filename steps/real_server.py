"""A real scoring server in an environment, and what it takes to ask it."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mlflow.pyfunc.scoring_server import get_cmd

from steps.errors import StepError
from steps.isolation import Environment, stop

PATIENCE = 120.0  # seconds for the server to start
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy to this machine


class Server(NamedTuple):
    """A scoring server that was started, and may not answer yet."""

    url: str
    process: subprocess.Popen


@contextmanager
def serving(environment: Environment, artifact: Path, folder: Path) -> Iterator[Server]:
    """Run the real scoring server in an environment.

    Raises
    ------
    StepError
        When it ends by itself or refuses the rows.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    command, settings = get_cmd(str(artifact), port, "127.0.0.1", int(PATIENCE), 1)  # type: ignore[arg-type]
    added = {name: text for name, text in settings.items() if os.environ.get(name) != text}
    process = environment.start(command, folder, log, **added)
    try:
        yield Server(f"http://127.0.0.1:{port}", process)
    except OSError as error:
        raise StepError(
            "the scoring server does not answer in the artifact's own environment: "
            f"{error}; its last word: {last_line(log)}; nothing is registered"
        ) from error
    finally:
        stop(process)


def wait_for(server: Server) -> None:
    """Wait until a server answers, or is gone."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with DIRECT.open(f"{server.url}/ping", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline or server.process.poll() is not None:
                raise
            time.sleep(0.05)


def post(server: Server, body: dict[str, Any]) -> dict[str, list]:
    """Ask a server; returns the columns of its answer."""
    request = urllib.request.Request(
        f"{server.url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with DIRECT.open(request, timeout=PATIENCE) as response:
        answers = json.load(response)["predictions"]
    return {name: [row[name] for row in answers] for name in answers[0]}


def last_line(log: Path) -> str:
    """Read the last word of a process."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:400] if lines else "no word"
