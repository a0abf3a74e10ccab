"""Many processes at once on one store: no error, no lost run, no alias on the unproven."""

from mlflow import MlflowClient

from tests.faults.inject import Child

EIGHT = 8


def settings_for(uri: str, tmp_path) -> dict[str, str]:
    return {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_EXPERIMENT_NAME": "crowd",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": str(tmp_path / "artifacts"),
    }


def at_once(tmp_path, entry_point: str, settings: dict[str, str], each: list[dict]) -> list:
    """Run a step in as many processes as there are parameters."""
    children = [
        Child(tmp_path / f"{entry_point}-{number}", entry_point, settings, None, **params)
        for number, params in enumerate(each)
    ]
    return [child.wait() for child in children]


def finished(client: MlflowClient, step: str) -> int:
    experiment = client.get_experiment_by_name("crowd").experiment_id
    runs = client.search_runs([experiment], f"tags.step = '{step}'")
    assert {run.info.status for run in runs} == {"FINISHED"}
    return len(runs)


def test_eight_first_starts_on_a_fresh_database_all_finish(fresh_database, tmp_path):
    settings = settings_for(fresh_database(), tmp_path)
    done = at_once(tmp_path, "train", settings, [{}] * EIGHT)
    assert [one.status for one in done] == [0] * EIGHT, [one.err for one in done]
    assert finished(MlflowClient(settings["MLFLOW_TRACKING_URI"]), "train") == EIGHT


def test_eight_pipelines_at_once_lose_no_run_and_no_version(fresh_database, tmp_path):
    settings = settings_for(fresh_database(), tmp_path)
    each = [{"model_name": f"model {number}"} for number in range(EIGHT)]
    done = at_once(tmp_path, "main", settings, each)
    assert [one.status for one in done] == [0] * EIGHT, [one.err for one in done]
    client = MlflowClient(settings["MLFLOW_TRACKING_URI"])
    steps = ("main", "train", "evaluate", "package")
    assert [finished(client, step) for step in steps] == [EIGHT] * 4
    for params in each:
        version = client.get_model_version_by_alias(params["model_name"], "champion")
        assert (version.tags["verdict"], version.tags["proof"][:6]) == ("VALIDATED", "PASSED")
