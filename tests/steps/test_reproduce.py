"""A past run done again: the same predictions, or a word on why not."""

import json
import shutil
from pathlib import Path

import mlflow
import psutil
import pytest
from mlflow import MlflowClient

from steps.cache import packages
from steps.recorded import find_training
from steps.recreation import arguments_of
from tests.conftest import ROOT
from tests.faults.inject import Child
from tests.record import Record
from tests.steps.past import past

GIVEN = {"max_iter": 7, "learning_rate": 0.2, "test_size": 0.3, "seed": 7, "drop": "year"}


@pytest.fixture(scope="module")
def kept():
    """The training that the tests of this module do again, made once, and what came of it."""
    return {}


@pytest.fixture
def data(tmp_path_factory, kept):
    if "data" not in kept:
        folder = tmp_path_factory.mktemp("data")
        kept["data"] = shutil.copy(ROOT / "data" / "penguins.csv", folder / "mine.csv")
    return kept["data"]


@pytest.fixture
def trained(step, data, kept):
    if "trained" not in kept:
        (run,) = step("train", data=data, **GIVEN).runs("train")
        assert step("evaluate", run_id=run.info.run_id, gates="", model_name="mine").status == 0
        kept["trained"] = run
    return kept["trained"]


@pytest.fixture
def identical(step, trained, kept):
    if "identical" not in kept:
        kept["identical"] = step("reproduce", run_id=trained.info.run_id)
    return kept["identical"]


@pytest.fixture
def altered(client, trained):
    """Write over an artifact of the training; afterwards it is as it was."""
    before = {}

    def write(name: str, text: str) -> None:
        before[name] = mlflow.artifacts.load_text(f"runs:/{trained.info.run_id}/{name}")
        client.log_text(trained.info.run_id, text, name)

    yield write
    for name, text in before.items():
        client.log_text(trained.info.run_id, text, name)


def refused(outcome, said: str) -> None:
    assert outcome.status == 1
    assert outcome.err.startswith(f"error: {said}")
    assert outcome.err.count("\n") == 1
    assert {run.info.status for run in outcome.runs("reproduce")} == {"FAILED"}


def test_a_run_done_again_gives_the_same_predictions_bit_for_bit(identical, trained, client):
    assert (identical.status, identical.err) == (0, "")
    (run,) = identical.runs("reproduce")
    assert (run.info.status, run.data.tags["verdict"]) == ("FINISHED", "IDENTICAL")
    assert run.data.tags["train_run_id"] == trained.info.run_id
    found = Record(client, [run.info.run_id]).json("reproduction.json")
    assert found["predictions"] == {
        "rows": 104, "same_rows": True, "other_labels": 0, "other_probabilities": 0,
        "largest_difference": 0.0,
    }  # fmt: skip
    assert found["differences"] == []
    assert "  predictions  104 rows, identical bit for bit\n" in identical.out


def test_what_the_training_and_the_evaluation_said_is_kept(identical, client):
    (run,) = identical.runs("reproduce")
    record = Record(client, [run.info.run_id])
    log = record.path("reproduction.log").read_text()
    assert "\ntrain\n" in log
    assert "\nevaluate\n" in log
    assert record.has("predictions.parquet")


def test_the_training_done_again_is_no_run_of_the_store(identical):
    assert len(identical.runs("train")) == len(identical.runs("evaluate")) <= 1


@pytest.mark.slow
def test_other_predictions_are_a_failure_that_says_how_many_and_what_differs(
    step, altered, trained
):
    altered("hyperparameters.json", json.dumps({"max_iter": "8", "learning_rate": "0.2"}))
    altered("code/packages.txt", "\n".join([*packages(), "zzz==1.0"]))
    outcome = step("reproduce", run_id=trained.info.run_id, environment="current")
    refused(
        outcome,
        f"run {trained.info.run_id} done again gives other predictions (104 rows, of which 0 have "
        "another label and 104 another probability, by at most 0.",
    )
    assert outcome.err.endswith("; what differs: zzz 1.0 -> none\n")
    (run,) = outcome.runs("reproduce")
    found = run.data.tags["verdict"], run.data.tags["verdict_reasons"]
    assert found == ("DIFFERENT", "zzz 1.0 -> none")


def test_data_that_has_changed_is_told_with_where_to_get_it(step, trained, data):
    before = data.read_bytes()
    try:
        data.write_bytes(before + b"\n")
        outcome = step("reproduce", run_id=trained.info.run_id)
    finally:
        data.write_bytes(before)
    refused(outcome, f"data: {data} has the SHA-256 ")
    sha256, run_id = trained.data.tags["data_sha256"], trained.info.run_id
    assert outcome.err.endswith(
        f"; run {run_id} was made of {data} with the SHA-256 {sha256}: say where that is now with "
        f"data_now=<path or URI>; the run keeps a copy: data_now=runs:/{run_id}/data/mine.csv\n"
    )


def test_parameters_come_from_the_record_and_not_from_the_defaults_of_today(tmp_path):
    project = {"test_size": 0.9, "resume_from": "x", "data": "d", "new": 1}
    entry = {"parameters": {name: {"default": value} for name, value in project.items()}}
    (tmp_path / "MLproject").write_text(json.dumps({"entry_points": {"train": entry}}))
    params = {"test_size": "0.3", "resume_from": "m-1", "data": "old.csv", "max_bins": "255"}
    recorded = past(tmp_path, params, hyperparameters={"max_iter": "7"})
    assert arguments_of(recorded, tmp_path, tmp_path / "now.csv") == [
        "--test_size=0.3", "--resume_from=", f"--data={tmp_path / 'now.csv'}", "--max_iter=7",
    ]  # fmt: skip


def test_a_run_that_is_not_evaluated_has_nothing_to_compare_with(step):
    (run,) = step("train", max_iter=1).runs("train")
    refused(
        step("reproduce", run_id=run.info.run_id),
        f"train run {run.info.run_id} is not evaluated, so there are no predictions to compare",
    )


def test_a_run_that_did_not_finish_is_refused(step):
    (run,) = step("train", target="nonsense").runs("train")
    said = f"run_id: expected a finished train run, got {run.info.run_id} (step train, status FA"
    refused(step("reproduce", run_id=run.info.run_id), said)


def test_a_run_that_recorded_less_is_refused_by_what_it_lacks(step, trained):
    path = Path(trained.info.artifact_uri, "hyperparameters.json")
    given = path.read_text()
    try:
        path.unlink()
        outcome = step("reproduce", run_id=trained.info.run_id)
    finally:
        path.write_text(given)
    assert json.loads(given) == {"max_iter": "7", "learning_rate": "0.2"}
    refused(outcome, f"run {trained.info.run_id}: its artifact hyperparameters.json is gone, or w")


def test_an_environment_that_is_none_of_the_two_is_refused(step, trained):
    outcome = step("reproduce", run_id=trained.info.run_id, environment="conda")
    refused(outcome, "environment: expected one of recorded, current, got 'conda'")


def test_a_registered_version_stands_for_its_training(client):
    tags = client.get_model_version("pyfunc-classifier", "1").tags
    found = find_training("models:/pyfunc-classifier@champion")
    assert found.info.run_id == tags["train_run_id"]


def test_a_version_of_another_project_is_refused(step, client):
    client.create_registered_model("foreign")
    client.create_model_version("foreign", source="/tmp/nowhere", run_id=None)
    outcome = step("reproduce", run_id="models:/foreign/1")
    refused(outcome, "run_id: expected models:/foreign/1 to name its train run (tag train_run_id)")


def test_a_signal_leaves_no_run_running_and_no_folder(trained, store, tmp_path, monkeypatch):
    """The child that trains has begun by then."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    experiment = MlflowClient(store).create_experiment("interrupted", str(tmp_path / "artifacts"))
    settings = {
        "MLFLOW_TRACKING_URI": store, "MLFLOW_EXPERIMENT_ID": experiment, "TMPDIR": str(scratch),
    }  # fmt: skip
    fault = ("training again", "SIGTERM")
    done = Child(tmp_path / "child", "reproduce", settings, fault, run_id=trained.info.run_id)
    status, _, err = done.wait()
    assert (status, err) == (143, "error: stopped by SIGTERM\n")
    (run,) = MlflowClient(store).search_runs([experiment])
    assert (run.info.status, run.data.tags["step"]) == ("KILLED", "reproduce")
    assert list(scratch.iterdir()) == []
    folders = [process.info["cwd"] or "" for process in psutil.process_iter(["cwd"])]
    assert [folder for folder in folders if folder.startswith(str(scratch))] == []


@pytest.mark.slow
def test_an_environment_of_other_packages_is_made_again(step, altered, trained, client):
    others = [line for line in packages() if not line.startswith(("tqdm==", "ruff=="))]
    altered("code/packages.txt", "\n".join([*others, "tqdm==4.67.0"]))
    outcome = step("reproduce", run_id=trained.info.run_id)
    assert (outcome.status, outcome.err) == (0, "")
    (run,) = outcome.runs("reproduce")
    found = Record(client, [run.info.run_id]).json("reproduction.json")
    assert (found["verdict"], found["differences"]) == ("IDENTICAL", [])
