"""Many processes at once on one store: no error, no lost run, no alias on the unproven."""

from itertools import pairwise

import mlflow
import pytest
from mlflow import MlflowClient

from steps.lifecycle import audit_trail
from tests.conftest import ROOT
from tests.faults.inject import Child, Done, Meeting, run

EIGHT = 8
ROUNDS = 25
WAITS = 6.0  # seconds, in which a packaging that is past its proof would be done


DATA = {"data": str(ROOT / "data" / "penguins.csv")}  # artifacts go to the current folder


def settings_for(uri: str) -> dict[str, str]:
    return {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_NAME": "crowd"}


def at_once(tmp_path, entry_point: str, settings: dict[str, str], each: list[dict]) -> list:
    """Run a step in as many processes as there are parameters."""
    tmp_path.mkdir(exist_ok=True)
    children = [
        Child(tmp_path / f"{number}", entry_point, settings, None, cwd=tmp_path, **params)
        for number, params in enumerate(each)
    ]
    return [child.wait() for child in children]


def finished(client: MlflowClient, step: str) -> int:
    experiment = client.get_experiment_by_name("crowd").experiment_id
    runs = client.search_runs([experiment], f"tags.step = '{step}'")
    assert {run.info.status for run in runs} == {"FINISHED"}
    return len(runs)


@pytest.mark.parametrize("starts", [4, pytest.param(EIGHT, marks=pytest.mark.slow)])
def test_first_starts_at_once_on_a_fresh_database_all_finish(fresh_database, tmp_path, starts):
    settings = settings_for(fresh_database())
    done = at_once(tmp_path, "train", settings, [DATA] * starts)
    assert [one.status for one in done] == [0] * starts, [one.err for one in done]
    assert finished(MlflowClient(settings["MLFLOW_TRACKING_URI"]), "train") == starts


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_eight_pipelines_at_once_lose_no_run_and_no_version(kind, request, tmp_path):
    settings = settings_for(request.getfixturevalue(f"{kind}_database")())
    each = [DATA | {"model_name": f"model {number}"} for number in range(EIGHT)]
    done = at_once(tmp_path, "main", settings, each)
    assert [one.status for one in done] == [0] * EIGHT, [one.err for one in done]
    client = MlflowClient(settings["MLFLOW_TRACKING_URI"])
    steps = ("main", "train", "evaluate", "package")
    assert [finished(client, step) for step in steps] == [EIGHT] * 4
    for params in each:
        version = client.get_model_version_by_alias(params["model_name"], "champion")
        assert (version.tags["verdict"], version.tags["proof"][:6]) == ("VALIDATED", "PASSED")


@pytest.fixture(scope="module")
def evaluated(postgres_database, tmp_path_factory):
    """A store with an evaluated train run, and its settings."""
    folder = tmp_path_factory.mktemp("evaluated")
    settings = settings_for(postgres_database())
    for step, params in (("train", DATA), ("evaluate", {})):
        assert Child(folder / step, step, settings, None, folder, **params).wait().status == 0
    return settings


@pytest.mark.slow
def test_four_packagings_at_once_for_one_alias_leave_a_whole_history(evaluated, tmp_path):
    client, name = MlflowClient(evaluated["MLFLOW_TRACKING_URI"]), "contested"
    mlflow.set_tracking_uri(evaluated["MLFLOW_TRACKING_URI"])
    for number in range(ROUNDS):
        done = at_once(tmp_path / str(number), "package", evaluated, [{"model_name": name}] * 4)
        assert_told_in_one_line(done)
    assert_one_version_each(client, name)
    assert_consistent(client, name)
    mlflow.set_tracking_uri(None)


def test_a_packaging_waits_until_another_has_moved_the_alias(evaluated, tmp_path):
    client, params = MlflowClient(evaluated["MLFLOW_TRACKING_URI"]), {"model_name": "queued"}
    assert run(tmp_path / "first", "package", evaluated, **params).status == 0
    moving, proving = Meeting(), Meeting()
    mover = Child(tmp_path / "mover", "package", evaluated, ("before alias", moving), **params)
    assert moving.reached.wait(120)  # it has read where the alias is, and written that down
    rival = Child(tmp_path / "rival", "package", evaluated, ("verifying", proving), **params)
    assert proving.reached.wait(120)
    proving.go_on.set()
    rival.process.join(WAITS)
    assert rival.process.is_alive()
    moving.go_on.set()
    assert [mover.wait().status, rival.wait().status] == [0, 0]
    mlflow.set_tracking_uri(evaluated["MLFLOW_TRACKING_URI"])
    assert_consistent(client, "queued")
    mlflow.set_tracking_uri(None)


def assert_told_in_one_line(done: list[Done]) -> None:
    for one in done:
        assert one.status in (0, 1)
        assert "unexpected" not in one.err
        assert len(one.err.splitlines()) == one.status, one.err


def assert_one_version_each(client: MlflowClient, name: str) -> None:
    experiment = client.get_experiment_by_name("crowd").experiment_id
    versions = client.search_model_versions(f"name = '{name}'")
    packaged = client.search_runs([experiment], f"tags.registering = '{name}'")
    finished = [run.info.run_id for run in packaged if run.info.status == "FINISHED"]
    assert sorted(version.tags["package_run_id"] for version in versions) == sorted(finished)
    assert {run.info.status for run in packaged} <= {"FINISHED", "FAILED"}
    print(f"{len(finished)} of {len(packaged)} packagings registered a version each")


def assert_consistent(client: MlflowClient, name: str) -> None:
    champion = client.get_model_version_by_alias(name, "champion")
    assert (champion.tags["verdict"], champion.tags["proof"][:6]) == ("VALIDATED", "PASSED")
    trail = audit_trail(name)
    versions = {str(one.version) for one in client.search_model_versions(f"name = '{name}'")}
    assert {entry["to"] for entry in trail} == versions  # each moved the alias once
    assert len(trail) == len(versions)
    previous = client.get_model_version_by_alias(name, "previous")
    assert [trail[-1]["to"], trail[-1]["from"]] == [
        str(champion.version),
        str(previous.version),
    ]
    for earlier, later in pairwise(trail):
        assert later["from"] == earlier["to"]  # no move saw the alias where it no longer was
