import json

import mlflow
import pytest
from mlflow.models import get_model_info

from tests.tables import never_predicted


def test_one_parent_run_holds_three_nested_runs(step):
    outcome = step("main", model_name="main-test")
    assert outcome.status == 0
    package, evaluate, train, main = outcome.runs()
    names = [run.info.run_name.split()[0] for run in (main, train, evaluate, package)]
    assert names == ["main", "train", "evaluate", "package"]
    parents = {run.data.tags.get("mlflow.parentRunId") for run in (train, evaluate, package)}
    assert parents == {main.info.run_id}
    assert {run.info.status for run in outcome.runs()} == {"FINISHED"}


def test_hyperparameters_reach_the_classifier(step):
    outcome = step("main", model_name="main-test", classifier="random_forest", n_estimators=7)
    assert outcome.runs("train")[0].data.params["n_estimators"] == "7"


def test_a_missed_gate_fails_the_parent_and_registers_nothing(step, client):
    outcome = step("main", model_name="gated-test", gates="accuracy>1")
    assert outcome.status == 1
    assert [(run.data.tags["step"], run.info.status) for run in outcome.runs()] == [
        ("evaluate", "FAILED"),
        ("train", "FINISHED"),
        ("main", "FAILED"),
    ]
    reasons = {run.data.tags.get("failure_reason") for run in outcome.runs()} - {None}
    (reason,) = reasons
    assert reason.startswith("gate accuracy>1 not reached: accuracy is")
    assert client.search_registered_models("name = 'gated-test'") == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"gates": "auc>1"}, "gates: no metric 'auc'"),
        ({"classifier": "forest"}, "classifier: expected one of"),
        ({"max_itr": 5}, "hist_gradient_boosting has no parameter 'max_itr'"),
        ({"seed": "x"}, "seed: expected int"),
    ],
)
def test_a_bad_parameter_is_refused_before_the_data_is_read(step, params, message):
    outcome = step("main", data="/nowhere.csv", **params)
    assert outcome.err.startswith(f"error: {message}")


def test_a_class_that_is_never_predicted_is_served_all_the_same(step, tmp_path):
    never_predicted().to_parquet(tmp_path / "fraud.parquet")
    outcome = step(
        "main", data=tmp_path / "fraud.parquet", target="fraud", model_name="fraud",
        classifier="logistic_regression", gates="log_loss<1",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
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


def test_step_by_step_gives_the_same_bytes_as_main(step):
    for name, params in (("train", {}), ("evaluate", {}), ("package", {"model_name": "by-step"})):
        outcome = step(name, **params)
        assert outcome.status == 0, outcome.err
    digests = [
        get_model_info(f"models:/{name}/1").flavors["python_function"]["config"]["sha256"]
        for name in ("by-step", "pyfunc-classifier")  # that of the README's first command
    ]
    cards = [one.pop("model_card") for one in digests]  # each names its own runs
    assert digests[0] == digests[1]
    assert cards[0] != cards[1]
