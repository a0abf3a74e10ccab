import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from steps.importances import columns_of, dependence, importances

CONTRACT = {
    "threshold": 0.5,
    "features": [
        {"name": "noise", "kind": "numeric", "center": 0.0},
        {"name": "signal", "kind": "numeric", "center": 10.0},
        {"name": "when", "kind": "datetime", "center": 0.0},
        {"name": "place", "kind": "categorical", "categories": {"here": 0, "there": 1}},
    ],
}


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    width = columns_of(CONTRACT)["place"].stop
    matrix = rng.normal(size=(400, width)).astype(np.float32)
    matrix[:, -1] = rng.integers(0, 2, 400)
    labels = (3 * matrix[:, 1] + matrix[:, -1] + rng.normal(size=400) > 0.5).astype(int)
    pipeline = Pipeline([("preprocessor", "passthrough"), ("classifier", LogisticRegression())])
    return pipeline.fit(matrix, labels), matrix, labels


def test_the_feature_that_carries_the_signal_is_the_strongest(fitted):
    found = importances(fitted[0], CONTRACT, *fitted[1:], "roc_auc")
    assert found["feature"].tolist()[0] == "signal"
    assert found["importance"][0] > 0.2
    assert abs(found.set_index("feature")["importance"]["noise"]) < 0.02


def test_the_columns_of_one_feature_are_permuted_together(fitted):
    found = importances(fitted[0], CONTRACT, *fitted[1:], "roc_auc")
    assert sorted(found["feature"]) == ["noise", "place", "signal", "when"]


def test_a_loss_worsens_upwards_and_still_counts_as_important(fitted):
    found = importances(fitted[0], CONTRACT, *fitted[1:], "log_loss").set_index("feature")
    assert found["importance"]["signal"] > 0.5


def test_the_same_rows_give_the_same_importances(fitted):
    first, second = (importances(fitted[0], CONTRACT, *fitted[1:], "f1") for _ in range(2))
    assert first.equals(second)


def test_the_dependence_rises_with_the_signal_and_is_told_in_units_of_the_data(fitted):
    curve = dependence(fitted[0], CONTRACT, fitted[1], "signal")
    assert curve[1].is_monotonic_increasing
    assert 7 < curve["value"].min() < 10 < curve["value"].max() < 13


def test_the_dependence_on_a_category_names_its_categories(fitted):
    curve = dependence(fitted[0], CONTRACT, fitted[1], "place")
    assert curve["value"].tolist() == ["here", "there"]
    assert curve[1][1] > curve[1][0]


def test_a_feature_without_any_value_has_no_dependence(fitted):
    matrix = fitted[1].copy()
    matrix[:, 0] = np.nan
    assert dependence(fitted[0], CONTRACT, matrix, "noise").empty


def test_a_rare_class_is_among_the_rows_that_are_used(fitted, monkeypatch):
    monkeypatch.setattr("steps.importances.MAX_ROWS", 100)
    labels = np.zeros(400, dtype=int)
    labels[[7, 300]] = 1
    found = importances(fitted[0], CONTRACT, fitted[1], labels, "roc_auc")
    assert np.isfinite(found["importance"]).all()
