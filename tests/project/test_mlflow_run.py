"""The project through a real ``mlflow run``: from a path, and from a git URL at a tag."""

import json
import re
import subprocess
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.models import get_model_info

from tests.conftest import ROOT, shell
from tests.tables import customers, never_predicted


def runs_of(client: MlflowClient, run_id: str) -> dict[str, str]:
    """Map each step nested in a run to its status."""
    parent = client.get_run(run_id)
    children = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'"
    )
    return {run.data.tags["step"]: run.info.status for run in children}


def parent_of(done: subprocess.CompletedProcess[str]) -> str:
    return re.search(r"in run with ID '(\w+)'", done.stderr)[1]


NESTED = {"train": "FINISHED", "evaluate": "FINISHED", "package": "FINISHED"}


def test_the_shipped_data_gives_one_parent_with_three_nested_runs(happy, client):
    parent = parent_of(happy)
    assert client.get_run(parent).info.status == "FINISHED"
    assert runs_of(client, parent) == NESTED


def test_the_happy_path_prints_no_warning(happy):
    assert "warn" not in (happy.stdout + happy.stderr).lower()


def test_the_happy_path_says_how_good_the_model_is_and_where_it_is_registered(happy):
    assert "verdict            VALIDATED (roc_auc>0.5, gain_over_baseline>0)" in happy.stdout
    assert "registered  pyfunc-classifier version 1" in happy.stdout


def from_git(git_url: str, folder: Path, tracking: dict, *arguments: str):
    """Run the project from its git URL at a tag, from a foreign folder."""
    command = ["mlflow", "run", git_url, "--version", "v0.1.0", "--env-manager", "local"]
    return shell([*command, *arguments], folder, **tracking)


def test_a_git_url_at_a_tag_trains_on_the_shipped_data(git_url, tmp_path, tracking, client):
    done = from_git(git_url, tmp_path, tracking, "-P", "model_name=from-git")
    assert done.returncode == 0, done.stderr
    assert runs_of(client, parent_of(done)) == NESTED
    assert client.get_model_version_by_alias("from-git", "champion").version


def test_a_git_url_takes_data_by_its_absolute_path(git_url, tmp_path, tracking, client):
    path = tmp_path / "my = customers' data.csv"
    customers().to_csv(path, index=False)
    done = from_git(
        git_url, tmp_path, tracking,
        "-P", f"data={path}", "-P", "target=churn", "-P", "model_name=git", "-P", "max_iter=20",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "warning: dropped identifier-like: customer_id" in done.stderr
    model = mlflow.pyfunc.load_model("models:/git@champion")
    assert set(model.predict(model.input_example)["prediction"]) <= {0, 1}


def test_a_git_url_with_a_relative_path_says_to_use_an_absolute_one(
    git_url, tmp_path, tracking, client
):
    done = from_git(git_url, tmp_path, tracking, "-e", "train", "-P", "data=my.csv")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "give an absolute path or a URI" in line
    assert "Traceback" not in done.stderr
    run = client.get_run(parent_of(done))
    assert run.info.status == "FAILED"
    assert f"error: {run.data.tags['failure_reason']}" == line


def test_a_class_that_is_never_predicted_is_served_all_the_same(tmp_path, tracking, client):
    never_predicted().to_parquet(tmp_path / "fraud.parquet")
    done = shell(
        [
            "mlflow", "run", str(ROOT), "--env-manager", "local", "-P", "model_name=fraud",
            "-P", f"data={tmp_path / 'fraud.parquet'}", "-P", "target=fraud",
            "-P", "classifier=logistic_regression", "-P", "gates=log_loss<1",
        ],
        tmp_path,
        **tracking,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model = mlflow.pyfunc.load_model("models:/fraud@champion")
    contract = json.loads(
        mlflow.artifacts.load_text("models:/fraud@champion/artifacts/contract.json")
    )
    assert contract["classes"] == [0, 1]
    assert [f["kind"] for f in contract["features"]] == ["numeric", "datetime", "categorical"]
    rows = never_predicted().drop(columns="fraud").astype({"when": object})
    answer = model.predict(rows, params={"output": "all"})
    assert set(answer["prediction"]) == {0}
    assert answer["probability_1"].between(0.001, 0.5).all()


def test_step_by_step_gives_the_same_bytes_as_main(tmp_path, tracking, client):
    own_experiment = ["--experiment-name", "step by step"]
    for step, *arguments in (["train"], ["evaluate"], ["package", "-P", "model_name=by-step"]):
        command = ["mlflow", "run", str(ROOT), "--env-manager", "local", "-e", step]
        done = shell([*command, *own_experiment, *arguments], tmp_path, **tracking)
        assert done.returncode == 0, done.stderr
    digests = [
        get_model_info(f"models:/{name}/1").flavors["python_function"]["config"]["sha256"]
        for name in ("by-step", "pyfunc-classifier")
    ]
    cards = [one.pop("model_card") for one in digests]  # each names its own runs
    assert digests[0] == digests[1]
    assert cards[0] != cards[1]
