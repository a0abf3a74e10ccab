"""The champion, the baseline and the worst slice, judged through the steps themselves."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from steps.bootstrap import gains
from steps.champion import score_champion
from steps.judgement import score
from steps.registry import find_alias
from steps.storage import load_training
from tests.tables import customers

N = 400


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The same question three times: as it is, without its best column, and as noise."""
    folder = tmp_path_factory.mktemp("tables")
    frame = customers(1500)
    for name, table in {
        "good": frame,
        "poor": frame.drop(columns=["age", "member"]),
        "noise": frame.assign(churn=np.random.default_rng(1).permutation(frame["churn"])),
        "more classes": frame.assign(churn=frame["churn"].where(frame.index % 9 != 0, 2)),
    }.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture
def crowned(step, client, tables):
    """A champion, version 1, fitted on the good table; the same one for every test."""
    if find_alias("crowned", "champion") is None:
        outcome = step("main", data=tables / "good.csv", target="churn", model_name="crowned")
        assert outcome.status == 0, outcome.err
    client.set_registered_model_alias("crowned", "champion", "1")
    return "crowned"


def verdict_of(run) -> dict:
    return mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/verdict.json")


def test_noise_is_not_better_than_the_baseline(step, tables):
    outcome = step("main", data=tables / "noise.csv", target="churn", model_name="noise")
    assert outcome.status == 1
    assert "gain_over_baseline>0 not reached: gain_over_baseline is -0." in outcome.err
    assert find_alias("noise", "champion") is None


def test_a_worse_model_on_the_same_rows_is_rejected(step, tables, crowned):
    before = find_alias(crowned, "champion").version
    outcome = step(
        "main", data=tables / "good.csv", target="churn", model_name=crowned, gates="",
        classifier="sklearn.dummy.DummyClassifier",
    )  # fmt: skip
    assert outcome.status == 1
    assert "gate max_regression=0.05 not reached: roc_auc against version 1 is -0." in outcome.err
    assert find_alias(crowned, "champion").version == before
    (run,) = outcome.runs("evaluate")[:1]
    verdict = verdict_of(run)
    assert (verdict["verdict"], verdict["champion"]) == ("REJECTED", "1")
    assert verdict["figures"]["gain_over_champion_high"] < -0.05


def test_the_champion_is_scored_by_its_own_pyfunc_on_the_same_rows(step, tables, crowned):
    outcome = step(
        "main", data=tables / "good.csv", target="churn", model_name=crowned,
        classifier="logistic_regression", max_regression=0.5,
    )  # fmt: skip
    run = outcome.runs("evaluate")[0]
    training = load_training(run.data.tags["train_run_id"])
    labels, scored = score(training)
    champion = mlflow.MlflowClient().get_model_version(crowned, "1")
    (gain,) = gains("roc_auc", labels, scored, [score_champion(champion, training)])
    assert run.data.metrics["gain_over_champion"] == gain.value
    assert run.data.metrics["gain_over_champion_low"] == gain.low


@pytest.mark.parametrize("champion_error", ["fail", "ignore"])
def test_a_champion_that_cannot_be_scored_is_treated_as_the_user_chose(
    step, tables, crowned, champion_error
):
    outcome = step(
        "main", data=tables / "poor.csv", target="churn", model_name=crowned, gates="",
        champion_error=champion_error,
    )  # fmt: skip
    assert "cannot be scored on these rows: the data lacks its columns age, member" in outcome.err
    if champion_error == "fail":
        assert outcome.status == 1
        assert outcome.err.endswith("mend that, or replace it unseen with champion_error=ignore\n")
    moved = str(find_alias(crowned, "champion").version) != "1"
    assert moved == (champion_error == "ignore")


def test_a_champion_that_lacks_a_class_is_compared_all_the_same(step, tables, crowned):
    outcome = step(
        "main", data=tables / "more classes.csv", target="churn", model_name=crowned, gates="",
        max_regression=1, metric="accuracy",
    )  # fmt: skip
    assert "over champion      version 1: " in outcome.out


def test_a_champion_that_answers_another_question_is_not_compared_and_that_is_told(
    step, tmp_path, crowned
):
    rng = np.random.default_rng(0)
    other = pd.DataFrame({"x": rng.normal(size=N)})
    other["kind"] = np.where(other["x"] > 0, "a", "b")
    other.to_csv(tmp_path / "t.csv", index=False)
    outcome = step("main", data=tmp_path / "t.csv", target="kind", model_name=crowned)
    assert outcome.status == 0
    assert "it predicts 'churn', this model 'kind'; give each question its own" in outcome.err


def test_a_champion_that_has_seen_the_held_out_rows_is_told_of(step, tables, crowned):
    outcome = step(
        "main", data=tables / "good.csv", target="churn", model_name=crowned, seed=1,
        max_regression=1,
    )  # fmt: skip
    assert "has been fitted on some of these rows (same data, another split)" in outcome.err


def test_a_missed_gate_on_the_worst_slice_names_the_slice(step, tables):
    step("train", data=tables / "good.csv", target="churn")
    outcome = step("evaluate", gates="worst_slice_accuracy>=0.99", model_name="none yet")
    assert "worst_slice_accuracy>=0.99 not reached: worst_slice_accuracy is 0." in outcome.err
    assert " rows with " in outcome.err


def test_the_verdict_is_a_tag_a_table_and_json_with_every_reason(step):
    step("train")
    outcome = step("evaluate", gates="accuracy>=0.5,log_loss<=0.0001", model_name="none yet")
    (run,) = outcome.runs("evaluate")
    verdict = verdict_of(run)
    assert run.data.tags["verdict"] == verdict["verdict"] == "REJECTED"
    assert run.data.tags["verdict_reasons"] == verdict["reasons"][0]
    table = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/checks.json"))
    assert [row[:2] for row in table["data"]] == [
        ["accuracy>=0.5", True],
        ["log_loss<=0.0001", False],
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"metric": "auc"}, "metric: no metric 'auc': expected one of accuracy"),
        ({"champion_error": "warn"}, "champion_error: expected one of fail, ignore, got 'warn'"),
        ({"max_regression": -1}, "max_regression: expected 0 or more, got -1.0"),
        ({"max_regression": "nan"}, "max_regression: expected 0 or more, got nan"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_before_the_data_is_read(step, params, message):
    outcome = step("main", data="/nowhere.csv", **params)
    assert outcome.err.startswith(f"error: {message}")
