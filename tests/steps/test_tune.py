"""The entry point tune: the search, and what one command makes of it."""

import importlib.util
import json
import sys

import mlflow
import pytest

from steps.registry import find_alias
from steps.spark_session import check_spark
from steps.trials import find_trials

NAME = "tune-test"
SEARCH = {"classifier": "logistic_regression", "metric": "log_loss", "trials": 4}
NO_MODEL = SEARCH | {"gates": "accuracy>1"}  # ends after evaluate
NO_SCORE = SEARCH | {"dual": "true"}  # which lbfgs does not support: ends after the search
HAS_SPARK = importlib.util.find_spec("pyspark") is not None


@pytest.fixture(scope="module")
def outcomes():
    """What tune left, once it has run."""
    return []


@pytest.fixture
def tuned(step, outcomes):
    """A search of four trials and the model that came of it."""
    if not outcomes:
        outcomes.append(step("tune", model_name=NAME, verify_env="local", **SEARCH))
        assert outcomes[0].status == 0, outcomes[0].err
    return outcomes[0]


def trials_of(outcome):
    """The trials in their order: number, hyperparameters and fold scores."""
    runs = sorted(outcome.runs("trial"), key=lambda run: int(run.data.tags["trial_number"]))
    return [(r.info.run_name, r.data.params, r.data.tags["fold_scores"]) for r in runs]


def best_of(outcome):
    return json.loads(outcome.runs("tune")[0].data.tags["best_hyperparameters"])


def test_one_command_ends_in_a_registered_model(tuned):
    (tune,) = tuned.runs("tune")
    steps = [run.data.tags["step"] for run in reversed(tuned.runs())]
    assert steps == ["tune", *["trial"] * 4, "train", "evaluate", "package"]
    assert [trial[0] for trial in trials_of(tuned)] == [f"trial {i}" for i in range(4)]
    parents = {run.data.tags.get("mlflow.parentRunId") for run in tuned.runs()}
    assert parents == {None, tune.info.run_id}
    assert {run.info.status for run in tuned.runs()} == {"FINISHED"}
    assert find_alias(NAME, "champion").version == 1


def test_the_best_trial_has_the_least_loss_and_its_hyperparameters_reach_the_model(tuned):
    (tune,), (train,) = tuned.runs("tune"), tuned.runs("train")
    best = min(tuned.runs("trial"), key=lambda run: run.data.metrics["log_loss"])
    assert tune.data.tags["best_trial_run_id"] == best.info.run_id
    assert tune.data.metrics["best_log_loss"] == best.data.metrics["log_loss"]
    assert best_of(tuned) == best.data.params
    assert train.data.params["C"] == best.data.params["C"]


def test_the_search_sees_the_training_rows_of_train(tuned):
    (tune,), (train,) = tuned.runs("tune"), tuned.runs("train")
    for name in ("split_sha256", "data_sha256"):
        assert tune.data.tags[name] == train.data.tags[name]


def test_the_first_trial_has_the_defaults(tuned):
    assert trials_of(tuned)[0][1] == {"C": "1.0", "class_weight": "none"}


def test_the_score_of_a_trial_is_the_mean_of_its_five_folds(tuned):
    run = tuned.runs("trial")[0]
    scores = json.loads(run.data.tags["fold_scores"])
    assert len(scores) == 5
    assert run.data.metrics["log_loss"] == pytest.approx(sum(scores) / 5)
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "fold_log_loss")
    assert [metric.value for metric in history] == scores


def test_plots_trials_and_the_best_are_artifacts(tuned):
    (tune,) = tuned.runs("tune")
    assert mlflow.artifacts.load_dict(
        f"{tune.info.artifact_uri}/best_hyperparameters.json"
    ) == best_of(tuned)
    table = mlflow.artifacts.load_dict(f"{tune.info.artifact_uri}/trials.json")["trials"]
    assert [row["run_id"] for row in table] == [r.info.run_id for r in tuned.runs("trial")][::-1]
    plots = mlflow.MlflowClient().list_artifacts(tune.info.run_id, "plots")
    assert [file.path for file in plots] == [
        "plots/history.png",
        "plots/importance.png",
        "plots/slice.png",
    ]


def test_the_console_has_one_table_and_no_progress_bar(tuned):
    lines = tuned.out.splitlines()
    assert lines[1:3] == ["tune", "  classifier    logistic_regression"]
    assert lines[4] == "  rows          275 training, in 5 folds"
    assert "trial/s" not in tuned.err


def test_a_terminal_gets_a_progress_bar(step, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = step("tune", **NO_SCORE | {"trials": 1}).err
    assert "| 1/1 [" in shown


def test_the_same_seed_gives_the_same_trials(tuned, step):
    assert trials_of(step("tune", **NO_MODEL)) == trials_of(tuned)


def test_a_rerun_adds_no_trial_but_fresh_does(step):
    for fresh, trials in ((False, 4), (False, 4), (True, 8)):
        assert len(step("tune", **NO_SCORE, fresh=fresh).runs("trial")) == trials


def test_more_trials_add_to_those_that_are_there(step):
    step("tune", **NO_SCORE | {"trials": 2})
    outcome = step("tune", **NO_SCORE)
    assert len(outcome.runs("trial")) == 4
    assert {run.data.metrics["trials_failed"] for run in outcome.runs("tune")} == {2, 4}


def test_no_trial_starts_after_the_timeout(step):
    outcome = step("tune", **NO_SCORE | {"timeout": 0.001})
    assert len(outcome.runs("trial")) == 1


def test_a_trial_that_the_classifier_refuses_fails_with_its_reason_and_the_search_goes_on(step):
    outcome = step("tune", **NO_MODEL, space="dual:True|False", seed=1)
    ended = {run.data.params["dual"]: run for run in outcome.runs("trial")}
    assert ended["True"].info.status == "FAILED"
    assert "supports only dual=False" in ended["True"].data.tags["failure_reason"]
    assert ended["False"].info.status == "FINISHED"
    assert best_of(outcome) == {"dual": "False"}


def test_a_search_without_any_score_says_why(step):
    outcome = step("tune", **NO_SCORE)
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: tune: none of 4 trials gave a score: LogisticRegression cannot")
    assert line.endswith("give another space, or hold what does not suit with -P name=value")
    assert {run.data.tags["trial_state"] for run in outcome.runs("trial")} == {"FAIL"}


def test_what_is_worse_than_the_median_after_two_folds_is_pruned(step, client):
    outcome = step("tune", **NO_MODEL | {"trials": 9})
    pruned = [run for run in outcome.runs("trial") if run.data.tags["trial_state"] == "PRUNED"]
    assert pruned
    assert {run.info.status for run in pruned} == {"KILLED"}
    assert all(2 <= len(json.loads(run.data.tags["fold_scores"])) < 5 for run in pruned)
    key = outcome.runs("tune")[0].data.tags["study"]
    assert len(find_trials(outcome.experiment_id, key, 9)) == 9


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"trials": 0}, "trials: expected 1 or more, got 0"),
        ({"trials": "x"}, "trials: expected int, got 'x'"),
        ({"timeout": -1}, "timeout: expected seconds, or 0 for none, got -1.0"),
        ({"timeout": "nan"}, "timeout: expected seconds, or 0 for none, got nan"),
        ({"metric": "auc"}, "metric: no metric 'auc': expected one of"),
        ({"engine": "ray"}, "engine: expected one of local, spark, got 'ray'"),
        ({"seed": -1}, "seed: expected 0 or more, got -1"),
        ({"gates": "auc>1"}, "gates: no metric 'auc'"),
        ({"max_itr": 5}, "hist_gradient_boosting has no parameter 'max_itr'"),
        ({"classifier": "sklearn.naive_bayes.GaussianNB"}, "space: no search space for 'sklearn."),
        ({"space": "depth:1..2"}, "space: hist_gradient_boosting has no parameter 'depth'"),
    ],
)
def test_a_bad_parameter_is_refused_before_the_data_is_read(step, params, message):
    outcome = step("tune", data="/nowhere.csv", **params)
    assert outcome.err.startswith(f"error: {message}")


@pytest.mark.skipif(HAS_SPARK, reason="pyspark is installed")
def test_spark_that_is_not_installed_is_said_how_to_install(step):
    outcome = step("tune", data="/nowhere.csv", engine="spark")
    assert outcome.err == (
        "error: engine: spark needs pyspark, which is not installed; start with "
        "`uv run --extra spark mlflow run ...`, or pip install 'pyspark>=4'\n"
    )


@pytest.mark.skipif(not HAS_SPARK, reason="needs the extra spark")
def test_spark_without_java_is_said_how_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Exception, match="engine: spark needs Java 17 or later, found none"):
        check_spark()


@pytest.mark.slow  # two minutes: `uv run --extra spark pytest -m slow tests/steps/test_tune.py`
@pytest.mark.skipif(not HAS_SPARK, reason="needs the extra spark")
def test_trials_run_on_spark_and_a_rerun_goes_on_with_them(step):
    params = NO_MODEL | {"engine": "spark", "l1_ratio": "0.0"}
    step("tune", **params | {"trials": 2})
    outcome = step("tune", **params)
    trials, (study,) = outcome.runs("trial"), outcome.runs("study")
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {study.info.run_id}
    assert study.data.tags["mlflow.parentRunId"] == outcome.runs("tune")[0].info.run_id
    assert [run.info.status for run in trials] == ["FINISHED"] * 4
    assert {run.data.params["l1_ratio"] for run in trials} == {"0.0"}
    best = min(trials, key=lambda run: run.data.metrics["log_loss"])
    assert best_of(outcome)["C"] == best.data.params["C"]
    assert "  trials        4 (2 resumed), " in outcome.out
