"""One artifact with every kind of feature and two classes, and one server of it."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.artifacts import make_artifact
from tests.own_server import OwnServer, own_server
from tests.tables import customers

ROW: dict[str, Any] = {
    "age": 40.0,
    "balance": 900.5,
    "visits": 3,
    "city": "Oslo",
    "plan": "plan 3",
    "joined": "2020-02-02",
    "member": True,
    "comment": "late kind rude fine again never",
}


def records(*rows: object, **further: object) -> str:
    return json.dumps({"dataframe_records": list(rows)} | further)


def half_sent(server: OwnServer, length: int = 400) -> socket.socket:
    """Open a request whose body does not come."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    head = f"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{{"
    connection.sendall(head.encode())
    return connection


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_artifact(tmp_path_factory.mktemp("artifact") / "model", customers(), "churn")


@pytest.fixture(scope="module")
def server(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    with own_server(artifact, tmp_path_factory.mktemp("server")) as server:
        yield server
