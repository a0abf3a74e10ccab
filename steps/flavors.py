"""The pipeline and its graph in MLflow's own flavors, beside the one artifact that ships."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import cloudpickle
import mlflow
import numpy as np
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from sklearn.pipeline import Pipeline

import custom_model
from steps.environment import requirements

SAMPLE_ROWS = 5


def log_pipeline(pipeline: Pipeline, content: bytes, matrix: np.ndarray, **more: Any) -> ModelInfo:
    """Log a fitted pipeline to the active run in MLflow's sklearn flavor, as a pickle.

    Parameters
    ----------
    pipeline : Pipeline
        From encoded matrix to probabilities.
    content : bytes
        Its pickle, which names the packages that it needs.
    matrix : ndarray of shape (n_rows, n_encoded), float32
        Some rows, for the signature.
    **more
        For ``mlflow.sklearn.log_model``, such as ``name`` and ``step``.

    Returns
    -------
    ModelInfo
    """
    sample = matrix[:SAMPLE_ROWS]
    with _quiet("mlflow.sklearn"):  # the pickle is our own, and said to be one
        cloudpickle.register_pickle_by_value(custom_model)
        try:
            return mlflow.sklearn.log_model(
                pipeline,
                serialization_format="cloudpickle",
                pip_requirements=[f"mlflow=={mlflow.__version__}", *_pins("pipeline.pkl", content)],
                signature=infer_signature(sample, pipeline.predict_proba(sample)),
                pyfunc_predict_fn="predict_proba",
                **more,
            )
        finally:
            cloudpickle.unregister_pickle_by_value(custom_model)


def log_graph(content: bytes, matrix: np.ndarray, probabilities: np.ndarray) -> ModelInfo:
    """Log an ONNX graph to the active run in MLflow's onnx flavor.

    Parameters
    ----------
    content : bytes
    matrix : ndarray of shape (n_rows, n_encoded), float32
    probabilities : ndarray of shape (n_rows, n_classes), float32
        Of the same rows, for the signature.

    Returns
    -------
    ModelInfo
    """
    import onnx

    pins = [f"{name}=={version(name)}" for name in ("mlflow", "numpy", "onnx", "onnxruntime")]
    with _quiet("mlflow.onnx"):
        return mlflow.onnx.log_model(
            onnx.load_from_string(content),
            name="graph",
            pip_requirements=pins,
            signature=infer_signature(matrix[:SAMPLE_ROWS], probabilities[:SAMPLE_ROWS]),
        )


def _pins(file_name: str, content: bytes) -> list[str]:
    return [pin for pin in requirements(file_name, content) if not pin.startswith("mlflow")]


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    # MLflow would replace the requirements by the lock of the working directory
    os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"
    before = logging.getLogger(logger).level
    logging.getLogger(logger).setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.getLogger(logger).setLevel(before)
