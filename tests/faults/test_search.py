"""A search that is stopped: nothing stays RUNNING, and the next one goes on with its trials."""

from mlflow import MlflowClient

from tests.faults.inject import run

SEARCH = {"classifier": "logistic_regression", "metric": "log_loss"}
AFTER = ("fitting", "SIGTERM")  # once the search has ended


def test_a_stopped_search_goes_on_as_it_would_have(tmp_path, sqlite_database):
    uri = sqlite_database()
    client = MlflowClient(uri)

    def search(trials, fault, experiment="stopped"):
        settings = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_NAME": experiment}
        return run(tmp_path, "tune", settings, fault, trials=trials, **SEARCH)

    def trials_in(name):
        experiment = client.get_experiment_by_name(name).experiment_id
        return client.search_runs([experiment], "tags.step = 'trial'", order_by=["start_time"])

    for name in ("stopped", "undisturbed"):
        client.create_experiment(name, artifact_location=str(tmp_path / name))
    search(2, AFTER)
    assert search(4, ("searching", "SIGINT")).status == 130
    assert search(4, ("searching", "SIGKILL")).status == -9
    assert [trial.info.status for trial in trials_in("stopped")[2:]] == ["KILLED", "RUNNING"]
    assert "4 (2 resumed)" in search(4, AFTER).out
    search(4, AFTER, "undisturbed")
    trials = trials_in("stopped")
    assert [trial.info.status for trial in trials[2:]] == ["KILLED", "KILLED", *["FINISHED"] * 2]
    ended = [(t.data.params, t.data.tags["fold_scores"]) for t in trials[:2] + trials[4:]]
    assert ended == [(t.data.params, t.data.tags["fold_scores"]) for t in trials_in("undisturbed")]


def test_trials_of_a_search_that_was_stopped_move_below_the_one_that_ends_it(
    tmp_path, sqlite_database
):
    settings = {"MLFLOW_TRACKING_URI": sqlite_database(), "MLFLOW_EXPERIMENT_NAME": "moved"}
    client = MlflowClient(settings["MLFLOW_TRACKING_URI"])
    experiment = client.create_experiment("moved", artifact_location=str(tmp_path / "artifacts"))
    run(tmp_path, "tune", settings, ("third trial", "SIGKILL"), trials=3, **SEARCH)
    run(tmp_path, "tune", settings, AFTER, trials=3, **SEARCH)
    ended, killed = client.search_runs([experiment], "tags.step = 'tune'")
    below = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{ended.info.run_id}'")
    assert len([r for r in below if r.data.tags["step"] == "trial"]) == 3
    assert killed.data.tags["continued_by"] == ended.info.run_id
