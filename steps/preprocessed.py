"""What preprocessing makes of the data: its parameters, its features and a sample of rows."""

from collections.abc import Iterable
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Param
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from custom_model.predictor import encoded_names
from steps.storage import json_text

SAMPLE_ROWS = 100
LONGEST = 500  # characters of a logged parameter; parameters.json holds them whole
BATCH = 100  # parameters that MLflow takes at once


def feature_names(pipeline: Pipeline, contract: dict[str, Any]) -> list[str]:
    """Name the columns that the classifier reads.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    contract : dict

    Returns
    -------
    list of str
        Such as ``numbers__bill_length_mm`` and ``one_hot__island = Dream``.
    """
    encoded = [name for feature in contract["features"] for name in encoded_names(feature)]
    try:
        names = pipeline["preprocessor"].get_feature_names_out(encoded)
    except AttributeError:  # a transformer of the user's own need not name its columns
        return [f"column_{i}" for i in range(pipeline["classifier"].n_features_in_)]
    readable = {
        f"{feature['name']}_{float(code)}": f"{feature['name']} = {text}"
        for feature in contract["features"]
        if "categories" in feature
        for code, text in enumerate([*feature["categories"], "null", "unknown"])
    }
    return [_readable(name, readable) for name in names]


def _readable(name: str, readable: dict[str, str]) -> str:
    treatment, separator, column = name.partition("__")
    return f"{treatment}{separator}{readable.get(column, column)}"


def parameters(pipeline: Pipeline, contract: dict[str, Any]) -> dict[str, Any]:
    """Collect every parameter of the preprocessing and of the features.

    Parameters
    ----------
    pipeline : Pipeline
    contract : dict

    Returns
    -------
    dict
        Those of the transformers by scikit-learn's own names, after ``preprocessor__``;
        ``features_<kind>`` names the columns of each kind, ``treatment_<name>`` those of each
        treatment.
    """
    found = {
        f"preprocessor__{name}": value
        for name, value in pipeline["preprocessor"].get_params(deep=True).items()
        if not _holds_estimators(value)
    }
    kinds: dict[str, list[str]] = {}
    for feature in contract["features"]:
        kinds.setdefault(f"features_{feature['kind']}", []).append(feature["name"])
    columns = [name for feature in contract["features"] for name in encoded_names(feature)]
    treatments = {
        f"treatment_{name}": ", ".join(columns[i] for i in positions)
        for name, _, positions in getattr(pipeline["preprocessor"], "transformers", [])
        if isinstance(positions, list) and all(isinstance(i, int) for i in positions)
    }
    return found | {name: ", ".join(names) for name, names in kinds.items()} | treatments


def _holds_estimators(value: Any) -> bool:
    parts = value if isinstance(value, list | tuple) else [value]
    return any(
        isinstance(one, BaseEstimator) or (isinstance(one, tuple) and len(one) > 1) for one in parts
    )


def log_parameters(params: dict[str, Any], known: Iterable[str]) -> None:
    """Log parameters to the active run: those not known yet, long ones cut and kept whole apart.

    Parameters
    ----------
    params : dict
    known : iterable of str
        Names that the run has already.
    """
    run = mlflow.active_run()
    if run is None:
        raise RuntimeError("no active run")
    texts = {name: _written(value) for name, value in params.items()}
    mlflow.log_text(json_text(texts), "parameters.json")
    new = [
        Param(name, text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
        for name, text in texts.items()
        if name not in set(known)
    ]
    for start in range(0, len(new), BATCH):
        MlflowClient().log_batch(run.info.run_id, params=new[start : start + BATCH])


def _written(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    elif isinstance(value, list):
        value = [one.tolist() if isinstance(one, np.ndarray) else one for one in value]
    return str(value)


def log_preprocessed(pipeline: Pipeline, contract: dict[str, Any], matrix: np.ndarray) -> None:
    """Log the names of the preprocessed features and a sample of training rows.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    contract : dict
    matrix : ndarray of shape (n_rows, n_encoded), float32
        Training rows, of which the first hundred are logged.
    """
    names = feature_names(pipeline, contract)
    sample = pipeline["preprocessor"].transform(matrix[:SAMPLE_ROWS])
    mlflow.log_text(json_text(names), "preprocessed/feature_names.json")
    mlflow.log_table(pd.DataFrame(sample, columns=names), "preprocessed/sample.json")
