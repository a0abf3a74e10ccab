import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from steps.errors import StepError, reason_of
from steps.files import read_table


def test_an_unreachable_uri_gets_one_line():
    with pytest.raises(StepError, match=r"data: cannot download http://127\.0\.0\.1:9/x\.csv: "):
        read_table("http://127.0.0.1:9/x.csv")


class Guarded(BaseHTTPRequestHandler):
    def do_GET(self):
        known = f"Basic {b64encode(b'me:s3cret/').decode()}"
        self.send_response(200 if self.headers["Authorization"] == known else 401)
        self.end_headers()
        self.wfile.write(b"a,b\n1,2\n")


@pytest.fixture
def guarded():
    """A host whose table takes a user and a password."""
    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_port}/t.csv"
        server.shutdown()


def test_the_user_and_password_of_a_uri_are_given_to_its_host(guarded):
    assert read_table(f"http://me:s3cret%2F@{guarded}")[0].to_dict("list") == {"a": [1], "b": [2]}


@pytest.mark.parametrize("host", ["127.0.0.1:9", "host.invalid", ""])
def test_a_password_is_never_told(guarded, host):
    with pytest.raises(StepError) as caught:
        read_table(f"http://me:other@{host}/t.csv" if host else f"http://me:other@{guarded}")
    assert "other" not in reason_of(caught.value)
    assert "http://...@" in reason_of(caught.value)


def test_an_artifact_of_a_run_is_read_by_its_uri(client, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    run_id = client.create_run("0").info.run_id
    client.log_artifact(run_id, str(tmp_path / "t.csv"), "data")
    frame, _ = read_table(f"runs:/{run_id}/data/t.csv")
    assert frame.to_dict("list") == {"a": [1], "b": [2]}


def test_an_artifact_that_is_not_there_gets_one_line(client):
    run_id = client.create_run("0").info.run_id
    with pytest.raises(StepError, match=f"data: cannot download runs:/{run_id}/data/t.csv: "):
        read_table(f"runs:/{run_id}/data/t.csv")
