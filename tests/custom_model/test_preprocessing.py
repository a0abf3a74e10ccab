import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from custom_model.predictor import encode
from custom_model.preprocessing import build_preprocessor
from steps.contract import infer_contract
from tests.tables import customers, ten_classes

FRAME = customers(300)
FEATURES, LABELS = FRAME.drop(columns="churn"), FRAME["churn"]
CONTRACT, _ = infer_contract(FEATURES, LABELS)
MATRIX = encode(FEATURES, CONTRACT)


def fitted(estimator):
    return build_preprocessor(CONTRACT, estimator).fit(MATRIX, LABELS)


def test_histogram_boosting_gets_the_nulls_themselves():
    out = fitted(HistGradientBoostingClassifier()).transform(MATRIX)
    assert np.isnan(out).sum() == np.isnan(MATRIX).sum()


@pytest.mark.parametrize("estimator", [RandomForestClassifier(), LogisticRegression(), None])
def test_every_other_estimator_gets_no_null(estimator):
    assert not np.isnan(fitted(estimator).transform(MATRIX)).any()


@pytest.mark.parametrize("estimator", [HistGradientBoostingClassifier(), RandomForestClassifier()])
def test_nothing_is_scaled_before_trees(estimator):
    transformers = fitted(estimator).named_transformers_.values()
    assert not any(isinstance(transformer, StandardScaler) for transformer in transformers)
    ages = np.nan_to_num(MATRIX[:, :1], nan=np.nanmedian(MATRIX[:, 0]))
    np.testing.assert_array_equal(
        np.nan_to_num(fitted(estimator).transform(MATRIX)[:, :1], nan=np.nanmedian(MATRIX[:, 0])),
        ages,
    )


def test_everything_is_scaled_before_a_linear_model():
    out = fitted(LogisticRegression()).transform(MATRIX)
    ages = out[:, 0]
    assert (round(ages.mean(), 6), round(ages.std(), 6)) == (0, 1)


def test_an_unknown_category_is_encoded_as_the_mean_of_the_target():
    transformer = build_preprocessor(CONTRACT, HistGradientBoostingClassifier())
    transformer.fit_transform(MATRIX, LABELS)
    plan = [f["name"] for f in CONTRACT["features"]].index("plan")
    row = MATRIX[:1].copy()
    row[0, plan] = len(CONTRACT["features"][plan]["categories"]) + 1
    assert transformer.transform(row)[0, -1] == pytest.approx(LABELS.mean())


def test_few_categories_become_columns_when_there_are_more_than_two_classes():
    frame = ten_classes(200)
    features, labels = frame.drop(columns="label"), frame["label"]
    contract, _ = infer_contract(features, labels)
    out = build_preprocessor(contract, HistGradientBoostingClassifier()).fit_transform(
        encode(features, contract)
    )
    assert out.shape[1] == 2 + 4  # two numbers; p, q, null and unknown
