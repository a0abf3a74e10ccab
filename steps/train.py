"""train: read, check, split, fit, log."""

import sys
import time
import warnings
from collections import Counter
from typing import Any

import mlflow
import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from custom_model.classifiers import build_classifier
from custom_model.model import encode
from custom_model.preprocessing import build_preprocessor
from steps import console
from steps.cache import key_of, reuse, source_sha256, told
from steps.checks import warnings_about
from steps.contract import infer_contract
from steps.drift import profile
from steps.errors import StepError, listed
from steps.files import fetched, parse_table
from steps.parameters import convert, kinds_in
from steps.rows import Rows, check_held_out, class_indices, split_rows
from steps.runs import launch, step_run
from steps.storage import has_training, save_training

# where processes share cores, OpenMP's threads wait for each other at every one of thousands of
# small steps: eight fits of 275 rows at once took 23 s on two cores, and 2 s on a thread each
SMALL = 100_000  # cells, which are fitted as fast by one thread as by two


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


def fit(pipeline: Pipeline, matrix: np.ndarray, indices: np.ndarray) -> list[str]:
    """Fit a pipeline in place.

    Parameters
    ----------
    pipeline : Pipeline
        As made by ``build_pipeline``.
    matrix : ndarray of shape (n_rows, n_encoded), float32
    indices : ndarray of shape (n_rows,), int
        Of the class of each row.

    Returns
    -------
    list of str
        What the estimator warned of.

    Raises
    ------
    StepError
        When the estimator refuses the data.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            with threadpool_limits(1 if matrix.size < SMALL else None, user_api="openmp"):
                pipeline.fit(matrix, indices)
        except ValueError as error:  # the estimator's own word on this data
            reason = str(error).strip().splitlines()[0]
            raise StepError(
                f"{type(pipeline['classifier']).__name__} cannot be fitted: {reason}"
            ) from error
    if "n_jobs" in pipeline["classifier"].get_params(deep=False):
        # threads add up a forest's votes in any order: the last bit would not reproduce
        pipeline.set_params(classifier__n_jobs=1)
    return list(dict.fromkeys(f"fit: {str(entry.message).splitlines()[0]}" for entry in caught))


def check_classifier(classifier: str, hyperparameters: dict[str, str]) -> None:
    """Refuse an unknown classifier, hyperparameter or value before any data is read."""
    try:
        build_classifier(classifier, **hyperparameters)
    except ValueError as error:
        raise StepError(str(error)) from error


def fit_timed(
    pipeline: Pipeline, matrix: np.ndarray, indices: np.ndarray, name: str
) -> tuple[list[str], float]:
    """Fit and say how it went: the warnings, and the seconds it took."""
    start = time.perf_counter()
    with console.progress(f"fitting {name}"):
        told = fit(pipeline, matrix, indices)
    return told, time.perf_counter() - start


def log_training(
    pipeline: Pipeline,
    warnings_found: list[str],
    dropped: dict[str, str],
    seconds: float,
    **tags: str,
) -> None:
    """Log what the fit was made of to the active run."""
    run = mlflow.active_run()
    known = mlflow.get_run(run.info.run_id).data.params if run else {}
    params = pipeline["classifier"].get_params(deep=False)
    mlflow.log_params({name: value for name, value in params.items() if name not in known})
    mlflow.log_metrics({"fit_seconds": seconds, "data_warnings": len(warnings_found)})
    mlflow.log_dict({"warnings": warnings_found, "dropped": dropped}, "data_warnings.json")
    mlflow.set_tags(tags)


def summary(
    params: dict[str, Any], rows: Rows, contract: dict[str, Any], seconds: float
) -> dict[str, str]:
    """Sum up a training in a few lines."""
    kinds = Counter(feature["kind"] for feature in contract["features"])
    counts = [len(labels) for labels in rows.labels]
    return {
        "data": f"{params['data']} ({sum(counts)} rows)",
        "features": ", ".join(f"{count} {kind}" for kind, count in kinds.items()),
        "classes": str(len(contract["classes"])),
        "rows": f"{counts[0]} training, {counts[1]} held out",
        "classifier": f"{params['classifier']}, fitted in {seconds:.1f} s",
    }


def cache_key(params: dict[str, Any], hyperparameters: dict[str, str], data_sha256: str) -> str:
    """Name the training by all that it depends on; the data by its content, not by its path."""
    estimator = build_classifier(params["classifier"], **hyperparameters)
    depends = {name: value for name, value in params.items() if name != "data"}
    return key_of(
        "train",
        params=depends | {"data_sha256": data_sha256},
        hyperparameters=hyperparameters,
        classifier_sha256=source_sha256(estimator),
    )


def run(declared: dict[str, str], hyperparameters: dict[str, str], fresh: bool = True) -> str:
    """Run the step; returns the id of its run, or of the finished one that it would repeat."""
    with step_run("train", declared) as active:
        params = convert("train", declared)
        kinds = kinds_in(params["kinds"])
        check_classifier(params["classifier"], hyperparameters)
        with console.progress(f"reading {params['data']}"), fetched(params["data"]) as file:
            key = cache_key(params, hyperparameters, file.sha256)
            done = None if fresh else reuse(active, key, has_training)
            if done:
                console.table("train", told(done))
                return done.info.run_id
            frame = parse_table(file)
        rows = split_rows(frame, params)
        contract, dropped = infer_contract(rows.features[0], rows.labels[0], kinds)
        matrix = encode(rows.features[0], contract)
        check_held_out(rows.features[1], contract)
        contract["profile"] = profile(matrix, contract)
        indices = class_indices(rows.labels[0], contract)
        found = [f"dropped {reason}: {names}" for reason, names in _by_reason(dropped).items()]
        found += warnings_about(rows.features, rows.labels, contract, matrix, indices)
        pipeline = build_pipeline(contract, params["classifier"], params["seed"], hyperparameters)
        warned, seconds = fit_timed(pipeline, matrix, indices, params["classifier"])
        for warning in found + warned:
            console.warn(warning)
        log_training(
            pipeline, found + warned, dropped, seconds,
            data_sha256=file.sha256, split_sha256=rows.sha256(), cache_key=key,
        )  # fmt: skip
        save_training(pipeline, contract, rows.features[1], rows.labels[1])
        lines = summary(params, rows, contract, seconds)
        console.table("train", lines | {"run": active.info.run_id})
        return active.info.run_id


def _by_reason(dropped: dict[str, str]) -> dict[str, str]:
    reasons = sorted(set(dropped.values()))
    return {
        reason: listed(name for name, why in dropped.items() if why == reason) for reason in reasons
    }


if __name__ == "__main__":
    sys.exit(launch("train", run))
