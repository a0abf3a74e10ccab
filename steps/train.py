"""train: read, check, split, fit, log."""

import sys
from collections import Counter
from typing import Any

import mlflow

from custom_model.classifiers import build_classifier
from steps import console
from steps.cache import key_of, reuse, source_sha256, told
from steps.clock import Clock
from steps.errors import StepError
from steps.files import fetched, parse_table
from steps.fitting import build_pipeline, fit
from steps.inputs import log_file
from steps.names import name_run
from steps.parameters import convert, kinds_in
from steps.prepare import Prepared, prepare
from steps.recorder import recorded
from steps.resume import resume
from steps.runs import launch, step_run
from steps.storage import has_training, save_training
from steps.training_record import log_parts, log_training


def check_parameters(params: dict[str, Any], hyperparameters: dict[str, str]) -> None:
    """Refuse what cannot be trained before any data is read."""
    kinds_in(params["kinds"])
    if params["checkpoint_every"] < 0:
        raise StepError(
            f"checkpoint_every: expected 0 or more epochs, got {params['checkpoint_every']}"
        )
    try:
        build_classifier(params["classifier"], **hyperparameters)
    except ValueError as error:
        raise StepError(str(error)) from error


def summary(params: dict[str, Any], prepared: Prepared, clock: Clock) -> dict[str, str]:
    """Sum up a training in a few lines."""
    contract = prepared.contract
    kinds = Counter(feature["kind"] for feature in contract["features"])
    counts = [len(labels) for labels in prepared.rows.labels]
    return {
        "data": f"{params['data']} ({sum(counts)} rows)",
        "features": ", ".join(f"{count} {kind}" for kind, count in kinds.items()),
        "classes": str(len(contract["classes"])),
        "rows": f"{counts[0]} training, {counts[1]} held out",
        "classifier": f"{params['classifier']}, fitted in {clock.seconds['fit']:.1f} s",
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
        params, clock = convert("train", declared), Clock()
        name_run(active, params)
        check_parameters(params, hyperparameters)
        with console.progress(f"reading {params['data']}"), fetched(params["data"]) as file:
            key = cache_key(params, hyperparameters, file.sha256)
            done = None if fresh or params["resume_from"] else reuse(active, key, has_training)
            if done:
                console.table("train", told(done))
                return done.info.run_id
            with clock.stage("read", f"parsing {params['data']}"):
                frame = parse_table(file)
            prepared = prepare(frame, params, clock)
            log_file(file)
        mlflow.log_dict(hyperparameters, "hyperparameters.json")
        pipeline = build_pipeline(
            prepared.contract, params["classifier"], params["seed"], hyperparameters
        )
        origin = {"data_sha256": file.sha256, "split_sha256": prepared.rows.sha256()}
        resume(pipeline, params["resume_from"], origin)
        datasets = log_parts(pipeline, prepared, file)
        name, every = params["classifier"], params["checkpoint_every"]
        # the recording shows how far it is
        with clock.stage("fit", ""), recorded(pipeline, name, every, origin, datasets) as on_epoch:
            warned = fit(pipeline, prepared.matrices[0], prepared.indices[0], on_epoch)
        for warning in prepared.warnings + warned:
            console.warn(warning)
        with clock.stage("record", "logging"):
            content = save_training(pipeline, prepared.contract, prepared.rows)
            log_training(pipeline, prepared, warned, file, content, datasets, cache_key=key)
        clock.log()
        lines = summary(params, prepared, clock)
        console.table("train", lines | {"run": active.info.run_id})
        return active.info.run_id


if __name__ == "__main__":
    sys.exit(launch("train", run))
