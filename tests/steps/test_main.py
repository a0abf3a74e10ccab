import pytest


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
