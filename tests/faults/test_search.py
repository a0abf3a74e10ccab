"""A search that is stopped: nothing stays RUNNING, and the next one goes on with its trials."""

import pytest
from mlflow import MlflowClient

from tests.faults.inject import run

SEARCH = {"classifier": "logistic_regression", "metric": "log_loss", "trials": 4}
AFTER = ("fitting", "SIGTERM")  # once the search has ended


@pytest.fixture(scope="module")
def searches(tmp_path_factory, sqlite_database):
    """A search that was stopped twice and then ended, and an undisturbed one: runs by step."""
    folder = tmp_path_factory.mktemp("searches")
    uri = sqlite_database()
    client = MlflowClient(uri)
    made = {n: client.create_experiment(n, str(folder)) for n in ("stopped", "undisturbed")}

    def search(name, fault):
        settings = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_NAME": name}
        return run(folder, "tune", settings, fault, **SEARCH)

    def found(name):
        runs = client.search_runs([made[name]], order_by=["start_time"])
        steps = {run.data.tags["step"] for run in runs}
        return {step: [r for r in runs if r.data.tags["step"] == step] for step in steps}

    assert search("stopped", ("searching", "SIGINT@3")).status == 130
    assert search("stopped", ("searching", "SIGKILL")).status == -9
    assert "4 (2 resumed)" in search("stopped", AFTER).out
    search("undisturbed", AFTER)
    return found("stopped"), found("undisturbed")


def test_the_trial_under_way_is_closed_and_run_again(searches):
    statuses = [run.info.status for run in searches[0]["trial"]]
    assert statuses == ["FINISHED", "FINISHED", "KILLED", "KILLED", "FINISHED", "FINISHED"]


def test_a_stopped_search_goes_on_as_it_would_have(searches):
    ended = [
        [(run.data.params, run.data.tags["fold_scores"]) for run in runs["trial"]
         if "trial_state" in run.data.tags]
        for runs in searches
    ]  # fmt: skip
    assert ended[0] == ended[1]


def test_its_trials_move_below_the_run_that_ends_it(searches):
    first, _, last = searches[0]["tune"]
    ended = [run for run in searches[0]["trial"] if "trial_state" in run.data.tags]
    assert {run.data.tags["mlflow.parentRunId"] for run in ended} == {last.info.run_id}
    assert first.data.tags["continued_by"]
