import json

from tests.own_server import own_server
from tests.steps.server.conftest import ROW, records


def lines_of(server, reply):
    """Read the log; a line is written when its answer is sent already."""
    while f'"{reply.headers["x-request-id"]}"' not in server.log.read_text():
        pass
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def test_each_request_is_one_line_that_tells_nothing_of_its_rows(artifact, tmp_path):
    with own_server(artifact, tmp_path) as server:
        reply = server.ask(records(ROW | {"city": "Secretville"}, ROW))
        last = server.ask(records(ROW | {"city": 7}))
        good, bad = lines_of(server, last)[-2:]
        assert "Secretville" not in server.log.read_text()
    assert good["request_id"] == reply.headers["x-request-id"]
    told = [good[name] for name in ("method", "path", "status", "rows", "client")]
    assert told == ["POST", "/invocations", 200, 2, "127.0.0.1"]
    assert 0 < good["ms"] < 60_000
    assert (bad["status"], bad["rows"]) == (400, 0)


def test_a_request_keeps_the_id_that_it_came_with(server):
    reply = server.ask(records(ROW), **{"X-Request-ID": "order-66_b"})
    assert reply.headers["x-request-id"] == "order-66_b"
    assert lines_of(server, reply)[-1]["request_id"] == "order-66_b"


def test_an_id_that_could_forge_a_line_is_replaced(server):
    reply = server.ask(records(ROW), **{"X-Request-ID": 'a" b'})
    assert reply.headers["x-request-id"] != 'a" b'
    assert lines_of(server, reply)[-1]["request_id"] == reply.headers["x-request-id"]
