"""train: read, check, split, fit, log."""

import sys
import time
from collections import Counter
from typing import Any

import mlflow
import numpy as np
from sklearn.pipeline import Pipeline

from custom_model.classifiers import build_classifier
from custom_model.model import encode
from steps import console
from steps.cache import key_of, reuse, source_sha256, told
from steps.checks import warnings_about
from steps.contract import infer_contract
from steps.drift import profile
from steps.errors import StepError, listed
from steps.files import fetched, parse_table
from steps.fitting import build_pipeline, fit
from steps.parameters import convert, kinds_in
from steps.rows import Rows, check_held_out, class_indices, split_rows
from steps.runs import launch, step_run
from steps.storage import has_training, save_training


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
