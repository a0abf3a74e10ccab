"""package: one pyfunc artifact of an evaluated model, registered, the alias moved last."""

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.models.model import ModelInfo

from custom_model import model as serving_code
from custom_model.model import decide
from steps import console
from steps.artifact import without_bytecode
from steps.contract import signature_of
from steps.environment import requirements
from steps.errors import StepError
from steps.export import TOLERANCE, Export, export, parity_rows
from steps.parameters import convert
from steps.runs import find_evaluation, find_train_run, launch, step_run
from steps.storage import Training, json_text, load_training
from steps.usage import commands

EXAMPLE_ROWS = 5


def log_artifact(training: Training, exported: Export) -> ModelInfo:
    """Log the one artifact to the active run.

    Parameters
    ----------
    training : Training
    exported : Export

    Returns
    -------
    ModelInfo
    """
    content = {
        "contract": ("contract.json", json_text(training.contract).encode()),
        "pipeline": (exported.file_name, exported.content),
    }
    # MLflow would replace the artifact's requirements by the lock of the working directory
    os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"
    with tempfile.TemporaryDirectory() as folder, without_bytecode():
        for file_name, data in content.values():
            Path(folder, file_name).write_bytes(data)
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=serving_code.__file__,
            artifacts={key: str(Path(folder, name)) for key, (name, _) in content.items()},
            model_config={
                "sha256": {
                    key: hashlib.sha256(data).hexdigest() for key, (_, data) in content.items()
                }
            },
            signature=signature_of(training.contract),
            input_example=as_signed(training).head(EXAMPLE_ROWS),
            pip_requirements=requirements(exported.file_name, exported.content),
        )


def as_signed(training: Training) -> pd.DataFrame:
    """Return the held-out rows in the signature's types: numbers as float, all else as object."""
    return pd.DataFrame(
        {
            feature["name"]: _as_type(training.features[feature["name"]], feature)
            for feature in training.contract["features"]
        }
    )


def _as_type(values: pd.Series, feature: dict[str, Any]) -> pd.Series:
    if feature["type"] == "double":
        return values.astype(np.float64)
    if feature["kind"] == "datetime":
        stamps = pd.to_datetime(values, utc=True, format="ISO8601")
        values = stamps.map(pd.Timestamp.isoformat, na_action="ignore")
    return values.astype(object).where(values.notna(), None)


def check_artifact(model_uri: str, training: Training) -> None:
    """Load the artifact and compare it with the fitted pipeline on every held-out row.

    Raises
    ------
    StepError
        When a label differs, or a probability by more than 1e-6.
    """
    contract = training.contract
    with without_bytecode():
        model = mlflow.pyfunc.load_model(model_uri)
    answers = model.predict(as_signed(training), params={"output": "all"})
    expected = training.pipeline.predict_proba(training.matrix())
    labels = np.asarray(contract["classes"])[decide(expected, contract["threshold"])]
    given = answers[[f"probability_{label}" for label in contract["classes"]]].to_numpy()
    wrong = (answers["prediction"].to_numpy() != labels) | (
        np.abs(given - expected).max(axis=1) > TOLERANCE
    )
    if wrong.any():
        raise StepError(
            f"the packaged artifact answers {wrong.sum()} of {len(wrong)} held-out rows unlike the "
            f"fitted pipeline (first row {int(wrong.argmax())}); nothing is registered"
        )


def register(model_uri: str, model_name: str, alias: str, tags: dict[str, str]) -> str:
    """Register a version and, last of all, move the alias to it.

    Returns
    -------
    str
        The version.
    """
    client = MlflowClient()
    version = mlflow.register_model(model_uri, model_name, tags=tags).version
    try:
        client.set_registered_model_alias(model_name, alias, version)
    except BaseException:
        client.delete_model_version(model_name, version)
        raise
    return version


def _validated(train_run: Run) -> Run:
    evaluation = find_evaluation(train_run)
    if evaluation.data.tags["verdict"] != "VALIDATED":
        raise StepError(
            f"train run {train_run.info.run_id} was rejected: "
            f"{evaluation.data.tags['gates_missed']}; nothing is registered"
        )
    return evaluation


def run(declared: dict[str, str], further: dict[str, str]) -> str:
    """Run the step; returns the registered version."""
    with step_run("package", declared) as active:
        params = convert("package", declared, further)
        train_run = find_train_run(params["run_id"])
        train_run_id = train_run.info.run_id
        mlflow.set_tag("train_run_id", train_run_id)
        evaluation = _validated(train_run)
        training = load_training(train_run_id)
        contract = training.contract
        rows = parity_rows(training.matrix(), contract)
        with console.progress("converting to ONNX and comparing"):
            exported = export(training.pipeline, rows, contract["threshold"])
        form = "pickle" if exported.reason else "onnx"
        tags = {"pipeline_format": form, "train_run_id": train_run_id}
        mlflow.set_tags(tags | {"pipeline_format_reason": exported.reason})
        if exported.reason:
            console.warn(f"packaged as a pickle, not as a graph: {exported.reason}")
        parity = {"parity_rows": len(rows), "parity_max_difference": exported.difference}
        mlflow.log_metrics({} if exported.reason else parity)
        info = log_artifact(training, exported)
        check_artifact(info.model_uri, training)
        tags["evaluate_run_id"] = evaluation.info.run_id
        version = register(info.model_uri, params["model_name"], params["alias"], tags)
        mlflow.set_tag("model_version", version)
        console.table(
            "package",
            {
                "pipeline": f"{exported.file_name}, {len(exported.content) / 1024:.0f} KiB",
                "parity": exported.verdict(len(rows)),
                "registered": f"{params['model_name']} version {version}",
                "alias": params["alias"],
                "run": active.info.run_id,
            },
        )
        print(commands(params["model_name"], params["alias"], as_signed(training).head(1)))
        return version


if __name__ == "__main__":
    sys.exit(launch("package", run))
