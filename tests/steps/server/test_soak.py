"""A long trial: what leaks, or fails once in ten thousand, shows here."""

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.own_server import own_server
from tests.steps.server.conftest import ROW, records

GOOD = [
    records(ROW),
    records(ROW | {"age": None, "city": "Rome"}, ROW),
    records(ROW, params={"output": "all", "threshold": 0.3}),
    records(ROW | {"member": "maybe"}, params={"on_error": "null"}),
]
BAD = [
    records(ROW | {"age": "old"}),
    "{",
    '{"dataframe_records": [{}]}',
    records(ROW, params={"nope": 1}),
    records(ROW | {"city": ["x" * 1000]}),
]


def request(body):
    head = "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def statuses(port, rounds, seen):
    """Send rounds of ten requests, nine good and one bad, on one connection."""
    requests = [request(body) for body in GOOD * 2 + GOOD[:1]]
    bad = [request(body) for body in BAD]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        reader = connection.makefile("rb")
        for number in range(rounds):
            for one in (*requests, bad[number % len(bad)]):
                connection.sendall(one)
                status = int(reader.readline().split()[1])
                length = 0
                while (line := reader.readline()) != b"\r\n":
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                assert len(reader.read(length)) == length
                seen[status] += 1


def soak(server, n_requests, n_connections=8):
    counters = [Counter() for _ in range(n_connections)]
    with ThreadPoolExecutor(n_connections) as pool:
        rounds = n_requests // n_connections // 10
        futures = [pool.submit(statuses, server.port, rounds, seen) for seen in counters]
        for future in futures:
            future.result()
    return sum(counters, Counter())


@pytest.mark.parametrize(
    "n_requests", [4_000, pytest.param(200_000, marks=pytest.mark.slow)]
)  # fmt: skip
def test_neither_a_status_nor_the_memory_surprises_in_many_requests(artifact, tmp_path, n_requests):
    with own_server(artifact, tmp_path) as server:
        process = psutil.Process(server.process.pid)
        soak(server, 8_000)
        before = process.memory_info().rss
        seen = soak(server, n_requests)
        assert seen == {200: n_requests * 9 // 10, 400: n_requests // 10}
        assert process.memory_info().rss <= before * 1.05
        assert server.metrics()["pyfunc_classifier_requests_in_flight"] == 0
