import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from steps.storage import load_training
from tests.tables import customers


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "it's = my.csv"
    customers().to_csv(path, index=False)
    return path


def test_a_csv_with_quotes_spaces_and_equal_signs_in_its_path_is_read(step, table):
    assert step("train", data=table, target="churn").status == 0


def test_useless_columns_are_dropped_with_a_warning_that_names_them(step, table):
    outcome = step("train", data=table, target="churn")
    assert outcome.err.splitlines() == [
        "warning: dropped all null: fax",
        "warning: dropped constant: country",
        "warning: dropped identifier-like: customer_id",
    ]


@pytest.mark.parametrize("suffix", ["csv.gz", "parquet"])
def test_every_format_gives_the_same_predictions_as_csv(step, table, tmp_path, suffix):
    other = tmp_path / f"copy.{suffix}"
    frame = pd.read_csv(table)
    frame.to_parquet(other) if suffix == "parquet" else frame.to_csv(other, index=False)
    runs = [step("train", data=path, target="churn").runs("train")[0] for path in (table, other)]
    first, second = (load_training(run.info.run_id) for run in runs)
    expected = first.pipeline.predict_proba(first.matrix)
    assert (second.pipeline.predict_proba(second.matrix) == expected).all()


def test_a_file_uri_is_read(step, table):
    assert step("train", data=table.as_uri(), target="churn").status == 0


@pytest.mark.parametrize(
    "classifier",
    ["hist_gradient_boosting", "random_forest", "logistic_regression", "neural_network"],
)
def test_the_same_seed_and_data_give_the_same_bits(step, table, classifier):
    bits = []
    for _ in range(2):
        run = step("train", data=table, target="churn", classifier=classifier).runs("train")[0]
        training = load_training(run.info.run_id)
        scores = training.pipeline.predict_proba(training.matrix)
        bits.append((run.data.tags["data_sha256"], scores.tobytes()))
    assert bits[0] == bits[1]


def test_another_seed_gives_another_split(step, table):
    held_out = [
        load_training(
            step("train", data=table, target="churn", seed=seed).runs("train")[0].info.run_id
        ).features
        for seed in (1, 2)
    ]
    assert not held_out[0].equals(held_out[1])


def test_the_split_keeps_the_class_shares(step, table):
    run = step("train", data=table, target="churn", test_size=0.25).runs("train")[0]
    labels = load_training(run.info.run_id).labels
    assert (len(labels), labels.sum()) == (150, 45)


def test_hyperparameters_reach_the_classifier_in_its_own_types(step, table):
    run = step(
        "train", data=table, target="churn", learning_rate="0.3", max_iter="7", max_depth="none"
    ).runs("train")[0]
    fitted = load_training(run.info.run_id).pipeline["classifier"]
    assert (fitted.learning_rate, fitted.max_iter, fitted.max_depth) == (0.3, 7, None)


def test_an_unknown_hyperparameter_is_refused_before_the_data_is_read(step):
    outcome = step("train", data="/nowhere.csv", classifier="random_forest", n_estimator=5)
    assert outcome.status == 1
    assert "random_forest has no parameter 'n_estimator': expected one of" in outcome.err
    assert "n_estimators" in outcome.err


def test_a_failed_run_is_marked_with_its_reason(step):
    outcome = step("train", data="nowhere.csv")
    (run,) = outcome.runs()
    assert run.info.status == "FAILED"
    assert run.data.tags["failure_reason"].startswith("data: expected a file, found nothing at /")
    assert outcome.err == f"error: {run.data.tags['failure_reason']}\n"


def test_dropped_columns_are_no_features(step, table):
    run = step("train", data=table, target="churn", drop="age, comment").runs("train")[0]
    contract = json.loads(
        mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/training/contract.json")
    )
    assert not {"age", "comment"} & {feature["name"] for feature in contract["features"]}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"target": "churned"}, "target: no column 'churned' in the data; did you mean 'churn'?"),
        ({"drop": "agee"}, "drop: no column 'agee' in the data; did you mean 'age'?"),
        ({"test_size": "lots"}, "test_size: expected float, got 'lots'"),
        ({"test_size": 1}, "test_size: expected a share between 0 and 1, got 1.0"),
        ({"seed": "x"}, "seed: expected int, got 'x'"),
        ({"target": "city"}, "target 'city': expected a label in every row, got"),
        ({"target": "country"}, "target 'country': expected two classes or more, got ['NO']"),
        ({"target": "customer_id"}, "target 'customer_id': expected two rows or more of each"),
    ],
)
def test_a_bad_parameter_gets_one_line_that_says_what_to_do(step, table, params, message):
    outcome = step("train", **{"data": table, "target": "churn"} | params)
    assert outcome.status == 1
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_regression_target_is_called_one(step, tmp_path):
    frame = customers().dropna()
    frame = customers().assign(target=lambda t: t["balance"].fillna(0.5) + 0.25)
    frame.to_csv(tmp_path / "t.csv", index=False)
    outcome = step("train", data=tmp_path / "t.csv", target="target")
    assert "this is a regression target" in outcome.err


def test_a_bad_interval_of_checkpoints_is_refused_before_the_data_is_read(step):
    outcome = step("train", checkpoint_every=-1, data="nowhere.csv")
    assert outcome.err == "error: checkpoint_every: expected 0 or more epochs, got -1\n"
