"""Signals at every point: nothing unproven under the alias, no run left RUNNING, a rerun works."""

import pytest
from mlflow import MlflowClient

from tests.faults.inject import run

CATCHABLE = ("SIGTERM", "SIGINT", "SIGHUP")
NUMBERS = {"SIGTERM": 15, "SIGINT": 2, "SIGHUP": 1, "SIGKILL": 9}
TRAINING = ("reading", "fitting")
SIX = (*TRAINING, "logging the model", "verifying", "after register", "before alias")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A store with a trained and evaluated run."""
    folder = tmp_path_factory.mktemp("signals")
    settings = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    client = MlflowClient(settings["MLFLOW_TRACKING_URI"])
    client.create_experiment("shop", artifact_location=str(folder / "artifacts"))
    settings["MLFLOW_EXPERIMENT_NAME"] = "shop"
    for step in ("train", "evaluate"):
        assert run(folder / step, step, settings).status == 0
    return folder, settings, client


def leftovers(client: MlflowClient, model_name: str) -> dict:
    """What a faulty step should not have left."""
    experiment = client.get_experiment_by_name("shop").experiment_id
    models = client.search_registered_models(f"name = '{model_name}'")
    return {
        "running": len(client.search_runs([experiment], "attributes.status = 'RUNNING'")),
        "models": len(models),
        # a filter by status finds nothing, ever, in a database
        "pending": sum(m.status != "READY" for m in client.search_logged_models([experiment])),
    }


NOTHING = {"running": 0, "models": 0, "pending": 0}


OFTEN = [("SIGTERM", "reading"), ("SIGTERM", "verifying"), ("SIGTERM", "before alias")]
# each signal goes the same way: one of them strikes at some points, the others at one
EVERY_POINT = [
    pytest.param(
        name, point,
        marks=[] if (name, point) in OFTEN or point == "fitting" else pytest.mark.slow,
    )
    for name in CATCHABLE
    for point in SIX
]  # fmt: skip


@pytest.mark.parametrize(("name", "point"), EVERY_POINT)
def test_a_signal_ends_the_run_killed_with_the_reason(shop, tmp_path, point, name):
    _, settings, client = shop
    model_name = f"{name} {point}"
    entry_point = "train" if point in TRAINING else "package"
    params = {} if entry_point == "train" else {"model_name": model_name}
    done = run(tmp_path, entry_point, settings, (point, name), **params)
    assert done.status == 128 + NUMBERS[name]
    assert done.err == f"error: stopped by {name}\n"
    experiment = client.get_experiment_by_name("shop").experiment_id
    newest = client.search_runs([experiment], max_results=1)[0]
    assert newest.info.status == "KILLED"
    assert newest.data.tags["failure_reason"] == f"stopped by {name}"
    if point != "before alias":  # a move that has begun is ended: half of it would be worse
        assert leftovers(client, model_name) == NOTHING
        return
    version = client.get_model_version_by_alias(model_name, "champion")
    assert (version.tags["verdict"], version.tags["proof"][:6]) == ("VALIDATED", "PASSED")


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("reading", marks=pytest.mark.slow),
        pytest.param("fitting", marks=pytest.mark.slow),
        pytest.param("logging the model", marks=pytest.mark.slow),
        pytest.param("verifying", marks=pytest.mark.slow),
        pytest.param("after register", marks=pytest.mark.slow),
        "before alias",
    ],
)
def test_after_sigkill_the_next_start_closes_the_run_and_removes_what_was_half_done(
    shop, tmp_path, point
):
    _, settings, client = shop
    model_name = f"SIGKILL {point}"
    killed = run(
        tmp_path / "killed", "main", settings, (point, "SIGKILL"), model_name=model_name,
        fresh=point in TRAINING,
    )  # fmt: skip
    assert killed.status == -9
    assert leftovers(client, model_name)["running"] == 2  # the parent and the step
    again = run(tmp_path / "again", "main", settings, model_name=model_name)
    assert again.status == 0, again.err
    assert again.err.startswith("warning: closed 2 runs that a killed process left: ")
    assert leftovers(client, model_name) == {"running": 0, "models": 1, "pending": 0}
    assert len(client.search_model_versions(f"name = '{model_name}'")) == 1
    version = client.get_model_version_by_alias(model_name, "champion")
    assert (version.tags["verdict"], version.tags["proof"][:6]) == ("VALIDATED", "PASSED")


def test_a_run_of_a_living_process_is_not_closed(shop, tmp_path):
    _, settings, client = shop
    experiment = client.get_experiment_by_name("shop").experiment_id
    from steps.stale import own_process

    alive = client.create_run(experiment, tags=own_process() | {"step": "train"})
    run(tmp_path, "train", settings)
    assert client.get_run(alive.info.run_id).info.status == "RUNNING"
    client.set_terminated(alive.info.run_id)
