import json
import shutil
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from steps.serve import launch
from tests.artifacts import make_artifact
from tests.conftest import ROOT, shell
from tests.own_server import own_server
from tests.steps.server.conftest import ROW, half_sent, records
from tests.tables import customers

NAME = "served"


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory) -> list[Path]:
    """Two models of one table that answer differently."""
    folder = tmp_path_factory.mktemp("artifacts")
    return [make_artifact(folder / f"m{i}", customers(), "churn", seed=i) for i in (0, 3)]


@pytest.fixture
def registry(artifacts, tmp_path):
    """A store of its own with both as versions 1 and 2, the alias champion on the first."""
    uri = f"sqlite:///{tmp_path / 'registry.db'}"
    client = MlflowClient(uri, uri)
    client.create_registered_model(NAME)
    for artifact in artifacts:
        client.create_model_version(NAME, artifact.as_uri())
    client.set_registered_model_alias(NAME, "champion", "1")
    return client, {"MLFLOW_TRACKING_URI": uri, "MLFLOW_REGISTRY_URI": uri}


class Clients:
    """Threads that ask one connection after the other until they are told to stop."""

    def __init__(self, server, count=4):
        self.replies, self.failures, self._stop = [], [], threading.Event()
        self._server = server
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self):
        while not self._stop.is_set():
            try:
                reply = self._server.ask(records(ROW))
            except ConnectionRefusedError:
                return  # it listens no more: nothing was sent
            except OSError as error:
                self.failures.append(error)
                return
            self.replies.append(reply)
            if reply.headers.get("connection") == "close":
                return  # the server said that it ends

    def wait_for(self, count):
        while len(self.replies) < count and any(t.is_alive() for t in self._threads):
            pass

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def test_sigterm_loses_no_request_that_is_under_way(artifacts, tmp_path):
    with own_server(artifacts[0], tmp_path, drain_seconds=0.5) as server:
        clients = Clients(server)
        clients.wait_for(50)
        assert server.stop() == 0
        clients.stop()
        assert clients.failures == []
        assert {reply.status for reply in clients.replies} == {200}
        left = [reply for reply in clients.replies if "connection" in reply.headers]
        assert len(left) == 4


def test_a_draining_server_is_not_ready_and_answers(artifacts, tmp_path):
    with own_server(artifacts[0], tmp_path, drain_seconds=60) as server:
        server.process.send_signal(signal.SIGTERM)
        while server.get("/ready").status == 200:
            pass
        assert server.get("/ready").text == '{"status":"draining"}'
        assert server.ask(records(ROW)).status == 200
        assert server.stop(signal.SIGTERM) == 0  # a second one ends it


def test_ctrl_c_ends_it_at_once(artifacts, tmp_path):
    with own_server(artifacts[0], tmp_path, drain_seconds=60) as server:
        assert server.stop(signal.SIGINT) == 0
        assert "Traceback" not in server.errors.read_text()


def test_an_impatient_ctrl_c_prints_no_stack(artifacts, tmp_path):
    with own_server(artifacts[0], tmp_path) as server, half_sent(server):
        server.process.send_signal(signal.SIGINT)
        with suppress(OSError):
            while server.get("/ping"):
                pass
        assert server.stop(signal.SIGINT) == 0
        assert "Traceback" not in server.errors.read_text()


def test_a_moved_alias_is_followed_without_a_lost_request(registry, artifacts, tmp_path):
    client, settings = registry
    expected = []
    for artifact in artifacts:
        with own_server(artifact, tmp_path) as server:
            expected.append(server.ask(records(ROW)).predictions)
    assert expected[0] != expected[1]
    with own_server(f"models:/{NAME}@champion", tmp_path, settings, reload_seconds=0.1) as server:
        clients = Clients(server)
        clients.wait_for(50)
        assert json.loads(server.get("/version").text)["model_version"] == "1"
        client.set_registered_model_alias(NAME, "champion", "2")
        while json.loads(server.get("/version").text)["model_version"] == "1":
            pass
        clients.wait_for(len(clients.replies) + 50)
        clients.stop()
        assert clients.failures == []
        answers = [reply.predictions for reply in clients.replies]
        assert answers[0] == expected[0]
        assert answers[-1] == expected[1]
        assert all(answer in expected for answer in answers)
        assert server.metrics()['pyfunc_classifier_reloads_total{outcome="loaded"}'] == 1


def test_a_version_that_cannot_be_loaded_leaves_the_old_one(registry, artifacts, tmp_path):
    client, settings = registry
    damaged = tmp_path / "damaged"
    shutil.copytree(artifacts[1], damaged)
    (damaged / "artifacts" / "pipeline.onnx").write_bytes(b"")
    client.create_model_version(NAME, damaged.as_uri())
    with own_server(f"models:/{NAME}@champion", tmp_path, settings, reload_seconds=0.1) as server:
        client.set_registered_model_alias(NAME, "champion", "3")
        while 'reloads_total{outcome="failed"}' not in server.get("/metrics").text:
            pass
        assert json.loads(server.get("/version").text)["model_version"] == "1"
        assert server.ask(records(ROW)).status == 200
        assert "was altered after packaging" in server.errors.read_text()


def test_a_registry_that_is_away_does_not_hold_up_the_end(registry, artifacts, tmp_path):
    _, settings = registry
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes requests and never answers
        port = silent.getsockname()[1]
        code = (
            "import asyncio, sys, threading; from steps.server.source import Source, follow; "
            f"source = Source('models:/{NAME}@champion'); "
            "asyncio.run(asyncio.wait_for(follow(source, None, 0), 1))"
        )
        away = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
        away["MLFLOW_REGISTRY_URI"] = away["MLFLOW_TRACKING_URI"]
        start = time.monotonic()
        assert "TimeoutError" in shell(["python", "-c", code], ROOT, **settings | away).stderr
        assert time.monotonic() - start < 60


def test_a_version_or_a_folder_is_served_too(registry, artifacts, tmp_path):
    with own_server(f"models:/{NAME}/2", tmp_path, registry[1]) as server:
        assert json.loads(server.get("/version").text)["model_version"] == "2"
        assert server.errors.read_text().startswith(f"serving {NAME} version 2 at http://127")
    with own_server(artifacts[0].as_uri(), tmp_path) as server:
        assert server.ask(records(ROW)).status == 200


@pytest.fixture
def refused(capsys, monkeypatch):
    """Launch the server in this process, where it must not start: what it says, in one line."""
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.chdir(ROOT)

    def said(*arguments: str) -> str:
        capsys.readouterr()
        assert launch(list(arguments)) == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("error: ")

    return said


def test_a_folder_of_a_local_model_starts_without_mlflow(artifacts):
    code = (
        "import sys; from pathlib import Path; import steps.serve; "
        f"steps.serve.Source({str(artifacts[0])!r}).open(); "
        "print([name for name in ('mlflow', 'pandas', 'sklearn') if name in sys.modules])"
    )
    assert shell(["python", "-c", code], ROOT).stdout == "[]\n"


def test_a_port_that_is_taken_is_named(refused, artifacts):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(f"--model_uri={artifacts[0]}", f"--port={port}")
    assert said == (
        f"port: cannot listen at 127.0.0.1:{port}: Address already in use; choose another port "
        "or host"
    )


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--concurrency=0", "concurrency: expected more than 0, got 0"),
        ("--drain_seconds=-1", "drain_seconds: expected 0 or more, got -1.0"),
        ("--port=http", "port: expected int, got 'http'"),
        ("--port=70000", "port: cannot listen at 127.0.0.1:70000"),
        ("--host=192.0.2.1", "port: cannot listen at 192.0.2.1:5002"),
        ("--token_file=nowhere", "token_file: cannot read nowhere: No such file or directory"),
        ("--model_uri=nowhere", "model_uri: expected a folder or a URI, found nothing at nowhere"),
    ],
)
def test_a_parameter_that_cannot_be_is_told_in_one_line(refused, artifacts, argument, said):
    assert refused(f"--model_uri={artifacts[0]}", argument).startswith(said)


def test_an_unknown_alias_is_told_in_one_line(registry):
    command = ["python", "-m", "steps.serve", f"--model_uri=models:/{NAME}@nobody"]
    done = shell(command, ROOT, **registry[1])
    (line,) = done.stderr.splitlines()
    told = f"error: model_uri: models:/{NAME}@nobody: Registered model alias nobody not found"
    assert (done.returncode, line[: len(told)]) == (1, told)


def test_another_model_than_ours_is_told_in_one_line(refused, tmp_path):
    class Constant(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input):
            return [1] * len(model_input)

    mlflow.pyfunc.save_model(str(tmp_path / "other"), python_model=Constant())
    said = refused(f"--model_uri={tmp_path / 'other'}")
    assert said.startswith("model_uri: expected a model that this project packaged, got ")
    assert said.endswith("package it again, or use mlflow models serve")


def test_a_lost_file_is_told_in_one_line(refused, artifacts, tmp_path):
    shutil.copytree(artifacts[0], tmp_path / "copy")
    (tmp_path / "copy" / "serving_input_example.json").unlink()
    said = refused(f"--model_uri={tmp_path / 'copy'}")
    assert said.startswith("model_uri: expected a model that this project packaged, got ")


def test_a_token_of_two_lines_is_refused(refused, artifacts, tmp_path):
    (tmp_path / "token").write_text("one\ntwo\n")
    said = refused(f"--model_uri={artifacts[0]}", f"--token_file={tmp_path / 'token'}")
    assert said == f"token_file: expected one word in {tmp_path / 'token'}, got 2"


def test_an_altered_file_is_refused_by_its_name(refused, artifacts, tmp_path):
    shutil.copytree(artifacts[0], tmp_path / "copy")
    contract = tmp_path / "copy" / "artifacts" / "contract.json"
    contract.write_text(contract.read_text() + " ")
    said = refused(f"--model_uri={tmp_path / 'copy'}")
    assert said == f"model_uri: {contract} was altered after packaging; get it anew"
