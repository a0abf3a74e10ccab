import numpy as np
import pytest
import sklearn

from custom_model.predictor import encode
from steps.contract import infer_contract
from steps.export import TOLERANCE, export, parity_rows, run_onnx
from steps.fitting import build_pipeline, fit
from steps.rows import class_indices
from tests.tables import customers, ten_classes

BELOW_1_8 = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8)
TABLES = {"churn": customers(), "label": ten_classes()}


def fitted(classifier, target="churn", **hyperparameters):
    frame = TABLES[target]
    features, labels = frame.drop(columns=target), frame[target]
    contract, _ = infer_contract(features, labels)
    pipeline = build_pipeline(contract, classifier, 0, hyperparameters)
    matrix = encode(features, contract)
    fit(pipeline, matrix, class_indices(labels, contract))
    return pipeline, parity_rows(matrix, contract), contract["threshold"]


@pytest.mark.parametrize("target", TABLES)
@pytest.mark.parametrize(
    "classifier",
    [
        "hist_gradient_boosting",
        "random_forest",
        "logistic_regression",
        "neural_network",
        "sklearn.ensemble.ExtraTreesClassifier",
        "sklearn.tree.DecisionTreeClassifier",
    ],
)
def test_the_graph_answers_as_the_pipeline_also_for_nulls_and_unknowns(classifier, target):
    pipeline, rows, threshold = fitted(classifier, target)
    exported = export(pipeline, rows, threshold)
    if BELOW_1_8 and "by up to 1.0e-06" in exported.reason:
        pytest.skip(f"the trees of scikit-learn {sklearn.__version__} sum to just above 1e-6")
    assert (exported.file_name, exported.reason) == ("pipeline.onnx", "")
    difference = np.abs(run_onnx(exported.content, rows) - pipeline.predict_proba(rows)).max()
    assert difference == exported.difference <= TOLERANCE


def test_the_same_fit_gives_the_same_bytes():
    graphs = [export(*fitted("hist_gradient_boosting")).content for _ in range(2)]
    assert graphs[0] == graphs[1]


def test_a_classifier_that_does_not_convert_is_pickled_with_the_reason():
    exported = export(*fitted("xgboost.XGBClassifier", n_estimators=3))
    assert exported.file_name == "pipeline.pkl"
    assert exported.reason.startswith("no conversion to ONNX: MissingShapeCalculator: Unable to")


def test_a_graph_that_differs_is_not_shipped():
    pipeline, rows, threshold = fitted("logistic_regression")
    faithful = pipeline.predict_proba
    pipeline.predict_proba = lambda matrix: faithful(matrix) + np.array([[2e-6, -2e-6]])
    exported = export(pipeline, rows, threshold)
    assert exported.file_name == "pipeline.pkl"
    assert exported.reason.startswith(f"the ONNX graph differs on {len(rows)} rows: 0 labels")


def test_the_parity_rows_hold_every_held_out_row_and_nulls_and_unknowns_of_every_feature():
    frame = TABLES["churn"]
    features = frame.drop(columns="churn")
    contract, _ = infer_contract(features, frame["churn"])
    matrix = encode(features, contract)
    rows = parity_rows(matrix, contract)
    np.testing.assert_array_equal(rows[: len(matrix)], matrix)
    codes = rows[:, [f["name"] for f in contract["features"]].index("city")]
    assert {4, 5} <= set(codes)
    assert np.isnan(rows[:, 0]).mean() > 0.1
