"""What is not refused but flagged: in the console, and on the run."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

RNG = np.random.default_rng(0)


def table(**columns: object) -> pd.DataFrame:
    n = 600
    noise = RNG.normal(size=n)
    label = np.where(noise + RNG.normal(size=n) > 0, "yes", "no")
    return pd.DataFrame({"noise": noise, "label": label} | columns)


def warnings_of(step, tmp_path, frame: pd.DataFrame) -> list[str]:
    frame.to_parquet(tmp_path / "t.parquet")
    outcome = step("train", data=tmp_path / "t.parquet", target="label")
    assert outcome.status == 0
    shown = [line.removeprefix("warning: ") for line in outcome.err.splitlines()]
    run_id = outcome.runs("train")[0].info.run_id
    logged = json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/data_warnings.json"))
    assert logged["warnings"] == shown
    assert outcome.runs("train")[0].data.metrics["data_warnings"] == len(shown)
    return shown


def test_a_clean_table_has_no_warning(step, tmp_path):
    assert warnings_of(step, tmp_path, table()) == []


def test_copies_are_counted_and_those_across_the_split_are_called_leakage(step, tmp_path):
    frame = table()
    shown = warnings_of(step, tmp_path, pd.concat([frame, frame], ignore_index=True))
    assert shown[0] == "600 rows are copies of another row"
    assert shown[1].startswith("leakage: ")
    assert shown[1].endswith(" of 240 held-out rows stand among the training rows too")


def test_a_feature_that_alone_predicts_the_target_is_called_leakage(step, tmp_path):
    frame = table()
    frame["refund"] = np.where(frame["label"] == "yes", "paid", "none")
    assert warnings_of(step, tmp_path, frame) == [
        "leakage: 'refund' alone predicts the target (AUC 1.0000); is it known beforehand?"
    ]


def test_a_nearly_constant_feature_is_named(step, tmp_path):
    frame = table(switch=[1.0] + [0.0] * 599)
    shown = warnings_of(step, tmp_path, frame.sample(frac=1, random_state=0, ignore_index=True))
    assert [line for line in shown if "constant" in line] in (
        ["nearly constant: switch"],
        ["dropped constant: switch"],
    )


def test_imbalance_and_tiny_support_are_counted(step, tmp_path):
    frame = table()
    frame["label"] = ["rare"] * 5 + ["common"] * 595
    assert warnings_of(step, tmp_path, frame) == [
        "imbalance: 476 training rows of 'common', 4 of 'rare'",
        "fewer than 10 training rows of 'rare' (4)",
    ]


@pytest.mark.parametrize("kind", ["categorical", "numeric"])
def test_a_kind_that_is_asked_for_is_used(step, tmp_path, kind):
    frame = table(zip=RNG.choice([10115, 20095, 80331], 600))
    frame.to_csv(tmp_path / "t.csv", index=False)
    outcome = step("train", data=tmp_path / "t.csv", target="label", kinds=f"zip:{kind}")
    run_id = outcome.runs("train")[0].info.run_id
    contract = json.loads(mlflow.artifacts.load_text(f"runs:/{run_id}/training/contract.json"))
    feature = contract["features"][1]
    assert (feature["kind"], feature["type"]) == (kind, "double")
    if kind == "categorical":
        assert set(feature["categories"]) == {"10115", "20095", "80331"}


def test_the_split_has_a_hash_that_follows_the_seed(step):
    hashes = [
        step("train", seed=seed).runs("train")[0].data.tags["split_sha256"] for seed in (1, 1, 2)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_few_rows_that_chance_separates_are_not_called_leakage(step, tmp_path):
    frame = table().groupby("label").head(20)
    frame["separates"] = (frame["label"] == "yes") + RNG.normal(0, 0.01, len(frame))
    assert [line for line in warnings_of(step, tmp_path, frame) if "alone" in line] == []
