"""The compiled pipeline, as the artifact asks it."""

import json

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from custom_model.classifiers import build_classifier
from custom_model.predictor import CHUNK_ROWS, encode, load
from custom_model.preprocessing import build_preprocessor
from steps.contract import infer_contract
from steps.export import to_onnx
from tests.tables import customers

N_ROWS = 2 * CHUNK_ROWS + 100  # in several threads


@pytest.fixture(scope="module", params=["hist_gradient_boosting", "random_forest"])
def trees(request):
    """A predictor, and the matrix of many rows."""
    frame = customers(500).drop(columns=["customer_id", "country", "fax"])
    labels = frame.pop("churn")
    contract, _ = infer_contract(frame, labels)
    matrix = encode(frame[[feature["name"] for feature in contract["features"]]], contract)
    classifier = build_classifier(request.param)
    steps = [("preprocessor", build_preprocessor(contract, classifier)), ("classifier", classifier)]
    pipeline = Pipeline(steps).fit(matrix, labels)
    graph = to_onnx(pipeline, matrix.shape[1])
    return load(json.dumps(contract).encode(), graph), np.resize(matrix, (N_ROWS, matrix.shape[1]))


@pytest.mark.parametrize("n_rows", [1, 2, 50, 51, 1000])
def test_an_answer_does_not_depend_on_how_many_rows_are_asked_at_once(trees, n_rows):
    predictor, matrix = trees
    params = predictor.params({"output": "probabilities"})
    whole = predictor.answer(matrix, {}, params)["probability_1"]
    parts = [
        predictor.answer(matrix[start : start + n_rows], {}, params)["probability_1"]
        for start in range(0, 1000, n_rows)
    ]
    assert (np.concatenate(parts)[:1000] == whole[:1000]).all()
    assert (whole[500:1000] == whole[:500]).all()
