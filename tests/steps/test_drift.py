import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from custom_model.predictor import encode
from steps.contract import infer_contract
from steps.drift import compare, profile
from tests.tables import customers

FRAME = customers(2000)
FEATURES = FRAME.drop(columns="churn")
CONTRACT, _ = infer_contract(FEATURES, FRAME["churn"])
CONTRACT["profile"] = profile(encode(FEATURES, CONTRACT), CONTRACT)


def moved(frame: pd.DataFrame) -> list[str]:
    compared = compare(frame, CONTRACT)
    return compared.loc[compared["moved"], "feature"].tolist()


def test_the_profile_survives_json():
    assert json.loads(json.dumps(CONTRACT["profile"], allow_nan=False)) == CONTRACT["profile"]


def test_the_training_rows_have_not_moved_at_all():
    compared = compare(FEATURES, CONTRACT)
    assert compared["value"].max() < 1e-4
    assert not compared["moved"].any()


@pytest.mark.parametrize("n_rows", [20, 100, 1000])
def test_rows_of_the_same_kind_have_not_moved_however_few(n_rows):
    assert [moved(customers(n_rows, seed)) for seed in range(10, 20)] == [[]] * 10


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("age", lambda values: values + 15),
        ("balance", lambda values: values * 1.5),
        ("city", lambda values: values.where(values != "Oslo", "Zürich")),
        ("city", lambda values: values.mask(values == "Oslo", "Rome")),
        ("member", lambda values: values.map(lambda member: True)),
        ("joined", lambda values: values.str.replace("20", "21", n=1)),
        ("comment", lambda values: values + " and a little more"),
        ("visits", lambda values: values.where(values > 10)),
    ],
)
def test_a_feature_that_moved_is_flagged_and_no_other(column, change):
    frame = customers(1000, seed=99)
    assert moved(frame.assign(**{column: change(frame[column])})) == [column]


def test_the_population_stability_index_is_that_of_the_book():
    frame = pd.DataFrame({"x": np.arange(1000.0)})
    contract, _ = infer_contract(frame + 0.5 * (frame % 2), pd.Series([0, 1] * 500, name="y"))
    contract["profile"] = profile(encode(frame, contract), contract)
    half = frame[frame["x"] >= 500]
    value = compare(half, contract)["value"][0]
    # half a row is added to each bin, so that an empty one has a logarithm
    before, now = np.full(10, 0.1), np.repeat([0.5 / 505, 100.5 / 505], 5)
    assert value == pytest.approx(np.sum((now - before) * np.log(now / before)), rel=0.02)


def test_the_step_logs_a_metric_for_each_feature_and_the_table(step, tmp_path):
    customers().to_csv(tmp_path / "t.csv", index=False)
    step("main", data=tmp_path / "t.csv", target="churn", model_name="drift-test")
    later = customers(500, seed=8)
    later["age"] += 20
    later.to_csv(tmp_path / "later.csv", index=False)
    outcome = step("drift", data=tmp_path / "later.csv", model_uri="models:/drift-test@champion")
    (run,) = outcome.runs("drift")
    assert (outcome.status, run.data.metrics["moved_features"]) == (0, 1)
    assert run.data.metrics["drift/age"] > 0.2 > run.data.metrics["drift/balance"]
    table = mlflow.load_table("drift.json", run_ids=[run.info.run_id])
    assert table.loc[table["moved"], "feature"].tolist() == ["age"]
