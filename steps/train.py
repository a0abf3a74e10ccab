"""train: read, check, split, fit, log."""

import sys
import time
import warnings
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from custom_model.classifiers import build_classifier
from custom_model.model import encode
from custom_model.preprocessing import build_preprocessor
from steps import console
from steps.contract import infer_contract
from steps.data import read_table, select_columns, split
from steps.errors import StepError
from steps.parameters import convert, names_in
from steps.runs import launch, step_run
from steps.storage import save_training


def build_pipeline(
    contract: dict[str, Any], classifier: str, seed: int, hyperparameters: dict[str, Any]
) -> Pipeline:
    """Build the unfitted pipeline from encoded matrix to probabilities.

    Parameters
    ----------
    contract : dict
    classifier : str
        A named classifier or an import path.
    seed : int
        For every ``random_state`` in the pipeline that is not a hyperparameter.
    hyperparameters : dict
        Of the classifier, checked by ``build_classifier``.

    Returns
    -------
    Pipeline
        Steps ``preprocessor`` and ``classifier``.
    """
    estimator = build_classifier(classifier, **hyperparameters)
    pipeline = Pipeline(
        [("preprocessor", build_preprocessor(contract, estimator)), ("classifier", estimator)]
    )
    seeds = {
        name: seed
        for name, value in pipeline.get_params().items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return pipeline.set_params(**seeds)


def fit(
    pipeline: Pipeline, features: pd.DataFrame, labels: pd.Series, contract: dict[str, Any]
) -> Pipeline:
    """Fit a pipeline on raw training rows.

    Parameters
    ----------
    pipeline : Pipeline
        As made by ``build_pipeline``.
    features : DataFrame of n_rows rows
    labels : Series of n_rows
    contract : dict

    Returns
    -------
    Pipeline
        Fitted; its classes are indices into ``contract["classes"]``.
    """
    matrix, indices = encode(features, contract), class_indices(labels, contract)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        pipeline.fit(matrix, indices)
    for message in {str(entry.message).splitlines()[0] for entry in caught}:
        console.warn(f"fit: {message}")
    if "n_jobs" in pipeline["classifier"].get_params(deep=False):
        # threads add up a forest's votes in any order: the last bit would not reproduce
        pipeline.set_params(classifier__n_jobs=1)
    return pipeline


def class_indices(labels: pd.Series, contract: dict[str, Any]) -> np.ndarray:
    """Turn labels into indices of the contract's classes: shape (n_rows,), int64."""
    index = {label: i for i, label in enumerate(contract["classes"])}
    return np.array([index[label] for label in labels.tolist()], dtype=np.int64)


def check_classifier(classifier: str, hyperparameters: dict[str, str]) -> None:
    """Refuse an unknown classifier, hyperparameter or value before any data is read."""
    try:
        build_classifier(classifier, **hyperparameters)
    except ValueError as error:
        raise StepError(str(error)) from error


def run(declared: dict[str, str], hyperparameters: dict[str, str]) -> str:
    """Run the step; returns the id of its run."""
    with step_run("train", declared) as active:
        params = convert("train", declared)
        check_classifier(params["classifier"], hyperparameters)
        frame, sha256 = read_table(params["data"])
        features, labels = select_columns(frame, params["target"], names_in(params["drop"]))
        parts = split(features, labels, params["test_size"], params["seed"])
        train_features, held_out_features, train_labels, held_out_labels = parts
        contract, dropped = infer_contract(train_features, train_labels)
        for reason in sorted(set(dropped.values())):
            names = ", ".join(name for name, why in dropped.items() if why == reason)
            console.warn(f"dropped {reason}: {names}")
        pipeline = build_pipeline(contract, params["classifier"], params["seed"], hyperparameters)
        start = time.perf_counter()
        with console.progress(f"fitting {params['classifier']}"):
            fit(pipeline, train_features, train_labels, contract)
        seconds = time.perf_counter() - start
        mlflow.set_tags({"data_sha256": sha256, "dropped_columns": str(dropped)})
        known = mlflow.get_run(active.info.run_id).data.params
        estimator_params = pipeline["classifier"].get_params(deep=False)
        mlflow.log_params({k: v for k, v in estimator_params.items() if k not in known})
        mlflow.log_metric("fit_seconds", seconds)
        save_training(pipeline, contract, held_out_features, held_out_labels)
        console.table(
            "train",
            {
                "data": f"{params['data']} ({len(frame)} rows)",
                "features": f"{len(contract['features'])} used, {len(dropped)} dropped",
                "classes": len(contract["classes"]),
                "rows": f"{len(train_labels)} training, {len(held_out_labels)} held out",
                "classifier": f"{params['classifier']}, fitted in {seconds:.1f} s",
                "run": active.info.run_id,
            },
        )
        return active.info.run_id


if __name__ == "__main__":
    sys.exit(launch("train", run))
