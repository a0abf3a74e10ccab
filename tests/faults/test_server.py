"""A real server with users and passwords: what it refuses, and what its loss costs."""

import time

import mlflow
import pytest
from mlflow import MlflowClient

from tests.faults.inject import Child, Meeting, run
from tests.faults.server import ADMIN, Server

DOWN = 5.0  # seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory, postgres_database):
    found = Server(tmp_path_factory.mktemp("server"), postgres_database(), postgres_database())
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def admin(server, tmp_path_factory):
    """The settings of the administrator, who has made a model."""
    settings = server.settings_of(*ADMIN) | {"MLFLOW_EXPERIMENT_NAME": "shop"}
    done = run(tmp_path_factory.mktemp("admin"), "main", settings, model_name="of-admin")
    assert done.status == 0, done.err
    return settings


@pytest.fixture
def as_admin(admin, monkeypatch):
    """A client of the administrator's, and the whole process with it."""
    for name, value in admin.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(admin["MLFLOW_TRACKING_URI"])
    yield MlflowClient()
    mlflow.set_tracking_uri(None)


def assert_champion(client: MlflowClient, model_name: str) -> None:
    version = client.get_model_version_by_alias(model_name, "champion")
    assert (version.tags["verdict"], version.tags["proof"][:6]) == ("VALIDATED", "PASSED")
    package = client.get_run(version.tags["package_run_id"])
    assert (package.info.status, package.data.tags["model_version"]) == ("FINISHED", "1")
    assert package.info.artifact_uri.startswith("mlflow-artifacts:/")


def newest(client: MlflowClient, step: str):
    shop = client.get_experiment_by_name("shop").experiment_id
    return client.search_runs([shop], f"tags.step = '{step}'", max_results=1)[0]


def test_an_administrator_runs_the_whole_pipeline(as_admin):
    assert_champion(as_admin, "of-admin")


@pytest.fixture(scope="module")
def ann(server, admin):
    """The settings of a user who may edit the experiment, and no model of others."""
    found = server.call("2.0/mlflow/experiments/search", max_results=10)["experiments"]
    experiment = {one["name"]: one["experiment_id"] for one in found}["shop"]
    settings = server.user("ann") | {"MLFLOW_EXPERIMENT_NAME": "shop"}
    server.call(
        "3.0/mlflow/users/permissions/grant", username="ann", resource_type="experiment",
        resource_id=experiment, permission="EDIT",
    )  # fmt: skip
    return settings


def test_a_user_who_may_edit_the_experiment_runs_the_whole_pipeline(ann, as_admin, tmp_path):
    done = run(tmp_path, "main", ann, model_name="of-ann", fresh=True)
    assert (done.status, done.err) == (0, "")
    assert_champion(as_admin, "of-ann")


def test_a_user_without_permission_on_the_model_leaves_no_version(server, ann, as_admin, tmp_path):
    done = run(tmp_path, "package", ann, model_name="of-admin")
    assert done.status == 1
    assert done.err == (
        f"error: tracking: {server.url} does not let user 'ann' use /api/2.0/mlflow/model-versions"
        "/create (status 403); ask its administrator for the permission\n"
    )
    assert len(as_admin.search_model_versions("name = 'of-admin'")) == 1
    assert newest(as_admin, "package").info.status == "FAILED"
    shop = as_admin.get_experiment_by_name("shop").experiment_id
    models = as_admin.search_logged_models([shop])  # MLflow cannot ask PostgreSQL for a status
    assert {model.status for model in models} == {"READY"}


def test_a_user_who_may_only_read_is_told_what_is_refused(server, admin, tmp_path):
    settings = server.user("bob") | {"MLFLOW_EXPERIMENT_NAME": "shop"}
    done = run(tmp_path, "train", settings)
    assert done.status == 1
    assert done.err == (
        f"error: tracking: {server.url} does not let user 'bob' use /api/2.0/mlflow/runs/create "
        "(status 403); ask its administrator for the permission\n"
    )


def test_a_wrong_password_is_one_line_without_it(server, tmp_path):
    done = run(tmp_path, "main", server.settings_of("admin", "not-the-word"))
    assert done.status == 1
    assert done.err == (
        f"error: tracking: {server.url} refuses user 'admin' (status 401); set "
        "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD\n"
    )


def test_passwords_in_the_address_are_not_told(server, tmp_path):
    address = server.url.replace("//", "//admin:not-the-word@")
    done = run(tmp_path, "main", {"MLFLOW_TRACKING_URI": address})
    assert done.status == 1
    assert done.err.startswith("error: tracking: ...@127.0.0.1")
    assert "not-the-word" not in done.out + done.err


@pytest.mark.slow
def test_five_seconds_without_a_server_lose_nothing(server, admin, as_admin, tmp_path):
    meetings = {point: Meeting() for point in ("logging the model", "before alias")}
    child = Child(tmp_path, "main", admin, list(meetings.items()), model_name="interrupted")
    for meeting in meetings.values():
        assert meeting.reached.wait(120)
        server.stop()
        meeting.go_on.set()
        child.process.join(DOWN)
        assert child.process.is_alive()
        server.start()
    done = child.wait()
    assert (done.status, done.err) == (0, "")
    assert_champion(as_admin, "interrupted")


@pytest.mark.parametrize(
    "point", [pytest.param("logging the model", marks=pytest.mark.slow), "before alias"]
)
def test_when_the_server_is_gone_for_good_the_artifact_is_kept(
    server, admin, as_admin, tmp_path, point
):
    settings = admin | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    meeting = Meeting()
    child = Child(
        tmp_path / "log", "package", settings, (point, meeting), cwd=tmp_path, model_name=point
    )
    assert meeting.reached.wait(120)
    server.stop()
    start = time.monotonic()
    meeting.go_on.set()
    done = child.wait()
    assert time.monotonic() - start < 60
    server.start()
    run_id = newest(as_admin, "package").info.run_id
    kept = tmp_path / f"unregistered-model-{run_id[:8]}"
    assert done.status == 1
    assert done.err == (
        f"warning: run {run_id} stays open; the next start on this machine closes it\n"
        f"error: tracking: {server.url} does not answer any more; once it does, run this step "
        f"again; the artifact, not registered, is kept in {kept}\n"
    )
    assert [path.name for path in tmp_path.glob("*unregistered*")] == [kept.name]
    model = mlflow.pyfunc.load_model(str(kept))
    assert len(model.predict(model.input_example)) == 5

    again = run(tmp_path / "again", "package", admin, model_name=point)
    assert again.status == 0, again.err
    assert again.err == f"warning: closed 1 runs that a killed process left: {run_id}\n"
    assert_champion(as_admin, point)


def test_a_server_that_is_down_at_the_start_is_told_within_five_seconds(server, tmp_path):
    server.stop()
    start = time.monotonic()
    done = run(tmp_path, "main", server.settings_of(*ADMIN))
    seconds = time.monotonic() - start
    server.start()
    assert done.status == 1
    assert done.err == (
        f"error: tracking: no MLflow server answers at {server.url} (ConnectionError); start it, "
        "or set MLFLOW_TRACKING_URI to another\n"
    )
    assert seconds < DOWN
