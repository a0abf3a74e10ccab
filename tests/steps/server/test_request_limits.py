import asyncio
import http.client
import io
import os
import socket
import threading
from contextlib import ExitStack

import pandas as pd
import psutil
import pytest

from steps.server.access_log import AccessLog
from steps.server.app import App
from steps.server.model import load
from steps.server.settings import Settings
from tests.own_server import own_server
from tests.steps.server.conftest import ROW, half_sent, records

PARQUET = "application/vnd.apache.parquet"


def parquet_of(frame):
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


@pytest.fixture(scope="module")
def strict(artifact, tmp_path_factory):
    """A server with small limits."""
    folder = tmp_path_factory.mktemp("strict")
    limits = {"max_bytes": 20_000, "max_rows": 20, "request_timeout": 0.5, "concurrency": 2}
    with own_server(artifact, folder, **limits) as server:
        yield server


def test_more_rows_than_allowed_are_refused(strict):
    row = {name: None for name in ROW}
    assert len(strict.ask(records(*[row] * 20)).predictions) == 20
    reply = strict.ask(records(*[row] * 21))
    assert (reply.status, reply.message) == (413, "expected at most 20 rows, got 21")


def test_few_bytes_of_parquet_do_not_unpack_to_many_rows(artifact, tmp_path):
    with own_server(artifact, tmp_path) as server:
        server.ask(parquet_of(pd.DataFrame([ROW])), PARQUET)
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        body = parquet_of(pd.DataFrame([ROW] * 1000).iloc[[0] * 400_000])
        assert len(body) < 100_000
        reply = server.ask(body, PARQUET)
        assert (reply.status, reply.message) == (413, "expected at most 10000 rows, got 400000")
        assert process.memory_info().rss < before + 20e6


def test_a_larger_body_than_allowed_is_refused_before_it_is_sent(strict):
    with half_sent(strict, length=20_001) as connection:
        head = connection.recv(4096)
    assert head.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in head


def test_a_larger_body_in_pieces_is_refused(strict):
    reply = strict.send("POST", "/invocations", iter([b" " * 5000] * 5), {})
    assert reply.status == 413
    assert reply.message.startswith("body: expected at most 20000 bytes (max_bytes), got more")


def test_a_body_that_does_not_come_is_given_up(strict):
    with half_sent(strict) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_a_caller_that_goes_away_is_told_in_the_log_alone(artifact, tmp_path):
    with own_server(artifact, tmp_path) as server:
        half_sent(server).close()
        while '"status":499' not in server.log.read_text():
            pass
        assert server.metrics()["pyfunc_classifier_requests_in_flight"] == 0
        assert len(server.errors.read_text().splitlines()) == 1  # where it serves


def test_a_length_of_many_zeros_is_a_length(server):
    body = records(ROW)
    length = f"{len(body):05000d}"
    assert server.ask(body, **{"Content-Length": length}).status == 200


def test_a_saturated_server_is_not_ready_and_says_when_to_try_again(artifact, tmp_path):
    with own_server(artifact, tmp_path, concurrency=2) as server, ExitStack() as held:
        connections = [held.enter_context(half_sent(server)) for _ in range(2)]
        while server.get("/ready").status == 200:
            pass
        assert server.get("/ready").text == '{"status":"saturated"}'
        reply = server.ask(records(ROW))
        assert (reply.status, reply.headers["retry-after"]) == (429, "1")
        assert reply.message.startswith("busy: 2 requests under way")
        for connection in connections:
            connection.close()
        while server.get("/ready").status == 503:
            pass
        assert server.ask(records(ROW)).status == 200


def test_an_answer_that_takes_too_long_is_given_up_and_keeps_its_place(artifact, tmp_path):
    with own_server(artifact, tmp_path, request_timeout=0.01, concurrency=1) as server:
        body = records(*[ROW] * 9_000)
        reply = server.ask(body)
        assert (reply.status, reply.message) in [
            (504, "no answer within 0.01 seconds; send fewer rows at a time"),
            (408, "expected the whole body within 0.01 seconds"),
        ]
        while server.get("/ready").status == 503:
            pass
        assert server.ask(records(ROW)).status == 200


def test_a_large_request_that_no_thread_began_gives_its_place_back(artifact):
    settings = Settings(None, frozenset(), 10**7, 10**4, timeout=0.05, concurrency=4)
    app, held = App(load(artifact), settings, AccessLog(io.BytesIO())), threading.Event()
    for _ in range(os.cpu_count() or 1):
        app._pool.submit(held.wait)
    body, sent = records(*[ROW] * 100).encode(), []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": headers}
    asyncio.run(app(scope, receive, send))
    held.set()
    assert (sent[0]["status"], app.in_flight) == (504, 0)


def test_brackets_without_end_are_refused(server):
    reply = server.ask("[" * 100_000)
    assert (reply.status, reply.message) == (400, "body: nested too deeply")


@pytest.mark.parametrize("column", ["city", "age"])
def test_a_deeply_nested_cell_is_refused(server, column):
    cells = ["[" * depth + "]" * depth for depth in range(900, 1000)]
    bodies = [records(ROW | {column: "@"}).replace('"@"', cell) for cell in cells]
    assert {server.ask(body).status for body in bodies} == {400}


def test_a_request_that_no_http_server_reads_ends_its_connection_only(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"\x00\xff nonsense\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    assert server.ask(records(ROW)).status == 200


def test_a_column_that_pandas_noted_as_its_index_is_read(server):
    body = parquet_of(pd.DataFrame([ROW]).set_index(["age", "city"]))
    assert server.ask(body, PARQUET).predictions == server.ask(records(ROW)).predictions


def test_parquet_that_lacks_a_column_is_told_which(server):
    reply = server.ask(parquet_of(pd.DataFrame([ROW]).drop(columns="age")), PARQUET)
    assert (reply.status, reply.message[:24]) == (400, "missing columns ['age']:")


def test_damaged_parquet_is_refused(server):
    good = parquet_of(pd.DataFrame([ROW]))
    for place in range(0, len(good), 20):
        bad = good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :]
        assert server.ask(bad, PARQUET).status in (200, 400), place


def test_headers_without_end_are_refused(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("begun", [b"", b"GET /ping HTTP/1.1\r\nHost: loc"])
def test_headers_that_do_not_come_are_given_up(strict, begun):
    with socket.create_connection(("127.0.0.1", strict.port), timeout=30) as connection:
        connection.sendall(begun)
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


def test_a_connection_that_waits_for_its_next_request_is_kept(strict):
    connection = http.client.HTTPConnection("127.0.0.1", strict.port, timeout=30)
    connection.request("GET", "/ping")
    assert connection.getresponse().read() == b"\n"
    connection.sock.settimeout(1)  # twice the server's
    with pytest.raises(TimeoutError):
        connection.sock.recv(1)
    connection.request("GET", "/ping")
    assert connection.getresponse().read() == b"\n"
    connection.close()
