"""A search that is stopped: nothing stays RUNNING, and the next one goes on with its trials."""

import pytest
from mlflow import MlflowClient

from tests.faults.inject import run

SEARCH = {"classifier": "logistic_regression", "gates": "accuracy>1", "metric": "log_loss"}


def runs_of(client, experiment, step):
    return client.search_runs([experiment], f"tags.step = '{step}'", order_by=["start_time"])


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_stopped_search_goes_on_as_it_would_have(tmp_path, sqlite_database, name):
    settings = {"MLFLOW_TRACKING_URI": sqlite_database(), "MLFLOW_EXPERIMENT_NAME": "search"}
    client = MlflowClient(settings["MLFLOW_TRACKING_URI"])
    experiment = client.create_experiment("search", artifact_location=str(tmp_path / "artifacts"))
    other = client.create_experiment("other", artifact_location=str(tmp_path / "artifacts"))
    run(tmp_path / "two", "tune", settings, trials=2, **SEARCH)
    stopped = run(tmp_path, "tune", settings, ("searching", name), trials=4, **SEARCH)
    assert stopped.status == {"SIGINT": 130, "SIGKILL": -9}[name]
    again = run(tmp_path / "again", "tune", settings, trials=4, **SEARCH)
    assert "4 (2 resumed)" in again.out
    assert not client.search_runs([experiment], "attributes.status = 'RUNNING'")
    undisturbed = settings | {"MLFLOW_EXPERIMENT_NAME": "other"}
    run(tmp_path / "other", "tune", undisturbed, trials=4, **SEARCH)
    expected = [trial.data.params for trial in runs_of(client, other, "trial")]
    trials = runs_of(client, experiment, "trial")
    ended = [trial for trial in trials if "trial_state" in trial.data.tags]
    assert [trial.data.params for trial in ended] == expected
    (killed,) = [trial for trial in trials if "trial_state" not in trial.data.tags]
    assert killed.info.status == "KILLED"
    assert killed.data.params == expected[2]
