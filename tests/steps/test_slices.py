import numpy as np
import pandas as pd
import pytest

from custom_model.predictor import encode
from steps.bootstrap import Scored
from steps.contract import infer_contract
from steps.metrics import METRICS
from steps.slices import measure_slices, worst

N = 400
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "city": np.where(np.arange(N) % 4 == 0, "Oslo", "Rome"),
        "age": RNG.permutation(np.arange(N)).astype(float),
        "member": (np.arange(N) // 3) % 2 == 0,
    }
)
FRAME.loc[FRAME.index % 10 == 7, "age"] = np.nan
LABELS = pd.Series(np.arange(N) % 2, name="y")


@pytest.fixture(scope="module")
def slices():
    """Slices of a model that is wrong in every second row of Oslo and nowhere else."""
    contract, _ = infer_contract(FRAME, LABELS, {})
    labels = LABELS.to_numpy()
    wrong = (FRAME["city"] == "Oslo") & (FRAME.index % 8 == 0)
    predicted = np.where(wrong, 1 - labels, labels)
    scores = np.column_stack([1 - predicted, predicted]).astype(float)
    return measure_slices(
        encode(FRAME, contract), contract, labels, Scored(predicted, scores), list(METRICS)
    )


def test_categories_nulls_quarters_and_booleans_are_slices(slices):
    assert set(slices["slice"]) == {
        "city = Oslo", "city = Rome", "age = null", "age in the lowest quarter",
        "age in the second quarter", "age in the third quarter", "age in the highest quarter",
        "member = false", "member = true",
    }  # fmt: skip


def test_the_rows_of_a_feature_are_each_in_one_slice(slices):
    rows = slices.set_index("slice")["rows"]
    for feature in ("city", "age", "member"):
        assert rows[[name for name in rows.index if name.startswith(feature)]].sum() == N


def test_the_worst_slice_is_found_with_its_figure(slices):
    found = worst(slices, "accuracy")
    assert (found["slice"], found["rows"], found["accuracy"]) == ("city = Oslo", 100, 0.5)


def test_for_a_loss_the_worst_slice_is_where_it_is_highest(slices):
    assert worst(slices, "brier")["slice"] == "city = Oslo"


def test_slices_of_few_rows_are_left_to_chance(slices):
    assert slices["rows"].min() >= 30


def test_a_metric_that_is_defined_on_no_slice_has_no_worst_one(slices):
    assert worst(slices.assign(roc_auc=np.nan), "roc_auc") is None
