"""Tables of kinds that people have: each goes all the way to an artifact that answers alike."""

from decimal import Decimal

import mlflow
import numpy as np
import pandas as pd
import pytest

from steps.storage import load_training

RNG = np.random.default_rng(0)
N = 200
X = RNG.normal(size=N)
YES = X + RNG.normal(0, 0.5, N) > 0
DAYS = pd.date_range("2020-01-01", periods=N, freq="36h")

TABLES = {
    "time zones": {"t": DAYS.tz_localize("Europe/Oslo")},
    "timestamps": {"t": DAYS},
    "old dates": {"t": pd.Series(DAYS.astype("datetime64[s]") - np.timedelta64(424 * 365, "D"))},
    "dates": {"t": list(DAYS.date)},
    "nullable booleans": {"b": pd.array(np.where(RNG.random(N) < 0.2, None, YES), "boolean")},
    "booleans": {"b": RNG.random(N) < 0.5},
    "nullable integers": {"i": pd.array(RNG.integers(0, 9, N), dtype="Int64")},
    "integers": {"i": RNG.integers(0, 9, N)},
    "huge integers": {"i": [10**25 + int(i) * 10**20 for i in RNG.integers(0, 9, N)]},
    "decimals": {"d": [Decimal(str(round(v, 2))) for v in RNG.normal(size=N)]},
    "two digits": {f"r{i}": np.round(RNG.normal(size=N), 2) for i in range(4)},
    "categories": {"c": pd.Categorical(RNG.choice(list("abc"), N))},
    "number categories": {"c": pd.Categorical(RNG.integers(1, 4, N))},
    "odd names": {
        "a b": X, "a.b": X + 1, "é": X * 2, "it's": X, 'q"': X, "prediction": X, "probability": X,
        "0": X,
    },
    "texts": {"t": [f"{'good' if yes else 'bad'} and {i} more words" for i, yes in enumerate(YES)]},
}  # fmt: skip


# all in one table; "huge integers" are in no parquet file
ALL = {
    column if kind == "odd names" else f"{kind}: {column}": values
    for kind, columns in TABLES.items()
    if kind != "huge integers"
    for column, values in columns.items()
}
# each alone is a whole run of main
KINDS = ["all", *(pytest.param(name, marks=pytest.mark.slow) for name in TABLES)]


@pytest.mark.parametrize("name", KINDS)
def test_a_table_of_any_kind_becomes_an_artifact_that_answers_as_the_pipeline(step, tmp_path, name):
    columns = ALL if name == "all" else TABLES[name]
    frame = pd.DataFrame({"x": X, "y": np.where(YES, "yes", "no")} | columns)
    if name == "huge integers":
        path = tmp_path / "t.csv"
        frame.to_csv(path, index=False)
    else:
        path = tmp_path / "t.parquet"
        frame.to_parquet(path)
    outcome = step("main", data=path, target="y", model_name=name)
    assert (outcome.status, "error" in outcome.err) == (0, False), outcome.err
    training = load_training(outcome.runs("train")[0].info.run_id)
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    answer = model.predict(training.signed(), params={"output": "all"})
    expected = training.pipeline.predict_proba(training.matrix)
    assert np.abs(answer[["probability_no", "probability_yes"]] - expected).max().max() <= 1e-6
    assert outcome.runs("package")[0].data.tags["pipeline_format"] == "onnx"


@pytest.mark.parametrize("rows", [8, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "classifier",
    ["hist_gradient_boosting", pytest.param("logistic_regression", marks=pytest.mark.slow)],
)
def test_a_tiny_table_trains(step, tmp_path, rows, classifier):
    frame = pd.DataFrame({"c": list("abcd") * (rows // 4), "x": range(0, rows * 3, 3)})
    frame["y"] = [0, 1] * (rows // 2)
    frame.to_csv(tmp_path / "t.csv", index=False)
    outcome = step(
        "main", data=tmp_path / "t.csv", target="y", gates="", classifier=classifier,
        model_name=f"tiny {rows} {classifier}", test_size=0.25,
    )  # fmt: skip
    assert outcome.status == 0, outcome.err


def test_the_rows_of_a_filtered_parquet_are_counted_as_they_stand_in_the_file(step, tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2, np.inf, 4] * 10, "y": ["a", "b"] * 20})
    frame.index = [f"r{i}" for i in range(100, 140)]
    frame.to_parquet(tmp_path / "t.parquet")
    outcome = step("train", data=tmp_path / "t.parquet", target="y", test_size=0.05)
    assert "column 'x', data row 3: expected a finite number, got inf" in outcome.err


def test_a_typo_in_a_wide_table_lists_ten_columns(step, tmp_path):
    wide = pd.DataFrame(RNG.normal(size=(30, 500)), columns=[f"c{i}" for i in range(500)])
    wide.assign(label=[0, 1] * 15).to_parquet(tmp_path / "t.parquet")
    outcome = step("train", data=tmp_path / "t.parquet", target="zzz")
    assert outcome.err.endswith("c8, c9 and 491 more\n")
