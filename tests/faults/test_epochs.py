"""A training in epochs that is killed: its checkpoints survive, and the next run goes on."""

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus

from tests.faults.inject import run

NETWORK = {"classifier": "neural_network", "checkpoint_every": 5, "max_iter": 20}
LOSSES = ("training_loss", "validation_loss")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A store with a training that nothing interrupted; what it logged."""
    folder = tmp_path_factory.mktemp("epochs")
    settings = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    client = MlflowClient(settings["MLFLOW_TRACKING_URI"])
    client.create_experiment("shop", artifact_location=str(folder / "artifacts"))
    settings["MLFLOW_EXPERIMENT_NAME"] = "shop"
    assert run(folder / "whole", "train", settings, **NETWORK).status == 0
    return settings, client, curves(client, newest(client))


def newest(client):
    experiment = client.get_experiment_by_name("shop").experiment_id
    return client.search_runs([experiment], "tags.step = 'train'", max_results=1)[0]


def curves(client, found):
    return {
        name: [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, name)]
        for name in LOSSES
    }


def ready(client, found):
    models = client.search_logged_models(
        [found.info.experiment_id], filter_string=f"source_run_id = '{found.info.run_id}'"
    )
    whole = [m for m in models if (m.name, m.status) == ("checkpoint", LoggedModelStatus.READY)]
    return sorted(int(model.params["epoch"]) for model in whole)


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        pytest.param(("an epoch", "SIGTERM@13"), [5, 10], marks=pytest.mark.slow),
        # what was begun is ended
        pytest.param(("a checkpoint", "SIGTERM@2"), [5, 10], marks=pytest.mark.slow),
        (("a checkpoint", "SIGKILL@2"), [5]),
    ],
)
def test_a_killed_training_goes_on_from_its_newest_checkpoint(shop, tmp_path, fault, left):
    settings, client, whole = shop
    run(tmp_path / "killed", "train", settings, fault, **NETWORK)
    killed = newest(client)
    assert ready(client, killed) == left
    origin = killed.info.run_id
    again = run(tmp_path / "again", "train", settings, resume_from=origin, **NETWORK)
    assert again.status == 0, again.err
    assert client.get_run(killed.info.run_id).info.status == "KILLED"
    assert curves(client, newest(client)) == whole


def test_a_training_that_is_stopped_has_logged_the_losses_of_its_epochs(shop, tmp_path):
    settings, client, whole = shop
    done = run(tmp_path, "train", settings, ("an epoch", "SIGINT@13"), **NETWORK)
    assert (done.status, done.err) == (130, "error: stopped by SIGINT\n")
    assert curves(client, newest(client)) == {name: whole[name][:12] for name in LOSSES}
