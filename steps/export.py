"""From fitted pipeline to shipped file: an ONNX graph if it answers the same, else a pickle."""

import copy
import itertools
import logging
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from custom_model.predictor import decide, encoded_names, load_graph
from steps.storage import pickled

TOLERANCE = 1e-6
MIN_PARITY_ROWS = 2000


class Export(NamedTuple):
    """The pipeline in the form that ships."""

    file_name: str
    content: bytes
    difference: float  # largest absolute difference in a probability; 0 for a pickle
    reason: str  # why it is no graph; empty for a graph
    n_rows: int = 0  # on which both agree

    def verdict(self) -> str:
        """Say on how many rows graph and pipeline agree, or that there is no graph."""
        if self.reason:
            return "none, this is the fitted pipeline itself"
        return f"{self.n_rows} rows, differs by at most {self.difference:.1e}"


def export(pipeline: Pipeline, matrix: np.ndarray, threshold: float | None) -> Export:
    """Convert a pipeline to ONNX where the graph gives the same answers.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    matrix : ndarray of shape (n_rows, n_encoded), float32
        The rows on which both must agree: labels identical, probabilities within 1e-6.
    threshold : float or None
        Decision threshold, for two classes.

    Returns
    -------
    Export
        ``pipeline.onnx``, or ``pipeline.pkl`` with the reason.
    """
    try:
        graph = to_onnx(pipeline, matrix.shape[1])
        scores = run_onnx(graph, matrix)
    except Exception as error:  # a converter may fail in any way
        reason = f"no conversion to ONNX: {type(error).__name__}: {_first_line(error)}"
        return Export("pipeline.pkl", pickled(pipeline), 0.0, reason)
    expected = pipeline.predict_proba(matrix)
    difference = float(np.abs(scores - expected).max())
    flips = int((decide(scores, threshold) != decide(expected, threshold)).sum())
    if flips or not difference <= TOLERANCE:
        reason = (
            f"the ONNX graph differs on {len(matrix)} rows: {flips} labels, probabilities by up to "
            f"{difference:.1e}"
        )
        return Export("pipeline.pkl", pickled(pipeline), 0.0, reason)
    return Export("pipeline.onnx", graph, difference, "", len(matrix))


def to_onnx(pipeline: Pipeline, n_encoded: int) -> bytes:
    """Convert a fitted pipeline: float32 input ``features``, float32 output ``probabilities``."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    logging.getLogger("skl2onnx").setLevel(logging.ERROR)
    pipeline = _with_float32_thresholds(pipeline)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parity check judges the graph, not its warnings
        model = convert_sklearn(
            pipeline,
            name="pipeline",  # a random one by default: the bytes would not reproduce
            initial_types=[("features", FloatTensorType([None, n_encoded]))],
            final_types=[
                ("label", Int64TensorType([None])),
                ("probabilities", FloatTensorType([None, len(pipeline.classes_)])),
            ],
            options={id(pipeline): {"zipmap": False}},
        )
    del model.graph.output[0]  # the label is decided from the probabilities
    model.opset_import.sort(key=lambda opset: opset.domain)  # a set's order would not reproduce
    return model.SerializeToString()


def _with_float32_thresholds(pipeline: Pipeline) -> Pipeline:
    """Copy a pipeline, the thresholds of histogram boosting rounded down to float32.

    For a float32 ``x``, ``x <= threshold`` holds exactly when ``x <= rounded down`` does; rounded
    to nearest, as the converter does, a value on the threshold would take the other branch.
    """
    if not isinstance(pipeline["classifier"], HistGradientBoostingClassifier):
        return pipeline
    pipeline = copy.deepcopy(pipeline)
    for predictor in itertools.chain.from_iterable(pipeline["classifier"]._predictors):
        exact = predictor.nodes["num_threshold"]
        with np.errstate(over="ignore"):
            nearest = exact.astype(np.float32)
        down = np.where(nearest > exact, np.nextafter(nearest, np.float32(-np.inf)), nearest)
        predictor.nodes["num_threshold"] = down
    return pipeline


def run_onnx(graph: bytes, matrix: np.ndarray) -> np.ndarray:
    """Score with a graph, as the artifact does."""
    return load_graph(graph)(matrix)


def parity_rows(matrix: np.ndarray, contract: dict, seed: int = 0) -> np.ndarray:
    """Extend held-out rows by copies with nulls and unknown categories.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_encoded), float32
    contract : dict
    seed : int

    Returns
    -------
    ndarray of shape (n_more_rows, n_encoded), float32
        The rows themselves first, then copies in which one cell in five is null or unknown,
        then one all-null and one all-unknown row.
    """
    columns = [f for f in contract["features"] for _ in encoded_names(f)]
    null = np.array([len(f["categories"]) if "categories" in f else np.nan for f in columns])
    unknown = np.array([len(f["categories"]) + 1 if "categories" in f else np.nan for f in columns])
    rng = np.random.default_rng(seed)
    copies = np.resize(matrix, (max(len(matrix), MIN_PARITY_ROWS), matrix.shape[1])).copy()
    die = rng.random(copies.shape)
    copies = np.where(die < 0.1, null, np.where(die < 0.2, unknown, copies))
    return np.vstack([matrix, copies, null, unknown]).astype(np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
