"""A program for a place of its own: serve an artifact, ask for its example, say the answer."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def main(artifact: str, manager: str) -> None:
    """Serve by ``mlflow models serve`` in an environment that a manager makes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["mlflow", "models", "serve", "-m", artifact, "--env-manager", manager]
    server = subprocess.Popen([*command, "--port", str(port)], start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        while server.poll() is None and not answers(f"{url}/ping"):
            time.sleep(0.2)
        body = Path(artifact, "serving_input_example.json").read_bytes()
        request = urllib.request.Request(
            f"{url}/invocations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            print(json.dumps(json.load(response)))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def answers(url: str) -> bool:
    """Tell whether a server answers by now."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
