import mlflow
import pytest

from steps.fitting import fit
from steps.recorder import Logged, recorded
from tests.steps.test_epochs import CHURN, network

ROWS = {"data_sha256": "a", "split_sha256": "b"}


@pytest.fixture
def watched_fit(client, request):
    """Fit a network while it is recorded to a run of the test's own; returns the run."""
    experiment = client.create_experiment(request.node.nodeid)

    def run(pipeline, every, datasets=None):
        with (
            mlflow.start_run(experiment_id=experiment) as active,
            recorded(pipeline, "net", every, ROWS, datasets) as on_epoch,
        ):
            fit(pipeline, *CHURN[1:], on_epoch)
        return active.info

    return run


def test_the_losses_are_linked_to_the_model_and_to_the_rows_they_were_taken_on(watched_fit, client):
    datasets = {"training": Logged("rows", "1"), "validation": Logged("held", "2")}
    run = watched_fit(network(max_iter=2), 1, datasets)
    models = client.search_logged_models([run.experiment_id])
    metrics = [m for model in models for m in client.get_logged_model(model.model_id).metrics]
    assert {(m.step, m.key, m.dataset_name, m.dataset_digest) for m in metrics} == {
        (1, "training_loss", "rows", "1"), (1, "validation_loss", "held", "2"),
        (2, "training_loss", "rows", "1"), (2, "validation_loss", "held", "2"),
    }  # fmt: skip


def test_each_epoch_is_recorded_once(watched_fit, client):
    pipeline = network(max_iter=30)
    run = watched_fit(pipeline, 7)
    history = client.get_metric_history(run.run_id, "training_loss")
    assert [m.step for m in history] == list(range(1, 31))
    assert [m.value for m in history] == pipeline["classifier"].epochs_["training_loss"]


def test_without_checkpoints_the_best_epoch_is_a_metric_only(watched_fit, client):
    run = watched_fit(network(max_iter=3), 0)
    assert client.get_run(run.run_id).data.metrics["best_epoch"] == 3
    assert client.search_logged_models([run.experiment_id]) == []


def test_a_classifier_without_epochs_gets_nothing_to_call():
    with recorded(network(classifier="random_forest"), "forest", 10, ROWS) as on_epoch:
        assert on_epoch is None
