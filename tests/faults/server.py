"""A real MLflow server with basic auth, which can be stopped and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from tests.conftest import environment

ADMIN = ("admin", "the password of admin")
PATIENCE = 120.0  # seconds


class Server:
    """Tracking, registry, artifacts and users, all behind one address.

    Parameters
    ----------
    folder : Path
    store, users : str
        URIs of two databases.
    """

    def __init__(self, folder: Path, store: str, users: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder, self.store = folder, store
        self.artifacts = folder / "artifacts"
        config = folder / "auth.ini"
        config.write_text(
            f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {users}\n"
            "auth_cache_ttl_seconds = 600\n"  # else each of hundreds of calls costs a slow hash
            f"admin_username = {ADMIN[0]}\nadmin_password = {ADMIN[1]}\n"
        )
        self.settings = {
            "MLFLOW_AUTH_CONFIG_PATH": str(config),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of these tests only",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1",
            "--host", "127.0.0.1", "--port", str(self.port), "--backend-store-uri", self.store,
            "--artifacts-destination", str(self.artifacts),
        ]  # fmt: skip
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment(**self.settings), stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def answers(self) -> bool:
        """Tell whether it answers, waiting for up to a quarter of a second."""
        try:
            return requests.get(f"{self.url}/health", timeout=5).ok
        except requests.RequestException:
            try:
                self.process.wait(0.25)
            except subprocess.TimeoutExpired:
                return False
            return False

    def stop(self) -> None:
        """Stop it with all its workers, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def call(self, path: str, **body: object) -> dict:
        """Call an API as the administrator."""
        answer = requests.post(f"{self.url}/api/{path}", json=body, auth=ADMIN)
        assert answer.ok, answer.text
        return answer.json()

    def user(self, name: str) -> dict[str, str]:
        """Make a user; returns the settings with which a step works for that one."""
        password = f"the password of {name}"
        self.call("2.0/mlflow/users/create", username=name, password=password)
        return self.settings_of(name, password)

    def settings_of(self, name: str, password: str) -> dict[str, str]:
        """Make the settings of a step."""
        return {
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_USERNAME": name,
            "MLFLOW_TRACKING_PASSWORD": password,
        }
