"""The project through a real ``mlflow run``: from a path, and from a git URL at a tag."""

import re
import subprocess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.conftest import shell
from tests.environments import of_the_lock
from tests.tables import customers


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


@of_the_lock
def test_the_happy_path_prints_no_warning(happy):
    assert "warn" not in (happy.stdout + happy.stderr).lower()


def test_the_happy_path_says_how_good_the_model_is_and_where_it_is_registered(happy):
    assert "verdict            VALIDATED (roc_auc>0.5, gain_over_baseline>0)" in happy.stdout
    assert "registered  pyfunc-classifier version 1" in happy.stdout


def from_git(git_url: str, folder: Path, tracking: dict, *arguments: str):
    """Run the project from its git URL at a tag, from a foreign folder."""
    command = ["mlflow", "run", git_url, "--version", "v0.1.0", "--env-manager", "local"]
    return shell([*command, *arguments], folder, **tracking)


@pytest.mark.slow  # as does a command of the README, with data of its own
def test_a_git_url_at_a_tag_trains_on_the_shipped_data(git_url, tmp_path, tracking, client):
    done = from_git(git_url, tmp_path, tracking, "-P", "model_name=from-git")
    assert done.returncode == 0, done.stderr
    assert runs_of(client, parent_of(done)) == NESTED
    assert client.get_model_version_by_alias("from-git", "champion").version


def test_a_git_url_takes_data_by_its_absolute_path(git_url, tmp_path, tracking, client):
    path = tmp_path / "my = customers' data.csv"
    customers().to_csv(path, index=False)
    arguments = ["-e", "train", "-P", f"data={path}", "-P", "target=churn", "-P", "max_iter=20"]
    done = from_git(git_url, tmp_path, tracking, *arguments)
    assert done.returncode == 0, done.stderr
    assert "warning: dropped identifier-like: customer_id" in done.stderr
    assert client.get_run(parent_of(done)).info.status == "FINISHED"


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
