"""What the train run keeps for the steps after it: pipeline, contract and held-out rows."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cloudpickle
import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from sklearn.pipeline import Pipeline

import custom_model
from custom_model.predictor import encode, stamps
from steps.errors import StepError, reason_of
from steps.outage import explain
from steps.rows import Rows

FOLDER = "training"
FILES = {"pipeline.pkl", "contract.json", "held_out.parquet"}


@dataclass(frozen=True)
class Training:
    """A finished training: all that later steps need."""

    pipeline: Pipeline
    contract: dict[str, Any]
    features: pd.DataFrame  # held-out rows
    labels: pd.Series
    row_numbers: np.ndarray  # of shape (n_rows,), int: where they stand in the data, from 1

    @cached_property
    def matrix(self) -> np.ndarray:
        """Encode the held-out rows: shape (n_rows, n_encoded), float32."""
        return encode(self.features, self.contract)

    def signed(self) -> pd.DataFrame:
        """Return the held-out rows in the types of the signature."""
        return as_signed(self.features, self.contract)


def as_signed(features: pd.DataFrame, contract: dict[str, Any]) -> pd.DataFrame:
    """Return rows in the types of the signature: numbers as float, all else as object.

    Parameters
    ----------
    features : DataFrame of n_rows rows
    contract : dict
        Whose features are returned, in its order; the model itself names those that lack.

    Returns
    -------
    DataFrame of n_rows rows
    """
    return pd.DataFrame(
        {
            feature["name"]: _as_type(features[feature["name"]], feature)
            for feature in contract["features"]
            if feature["name"] in features
        }
    )


def _as_type(values: pd.Series, feature: dict[str, Any]) -> pd.Series:
    if feature["type"] == "double":
        return values.astype(np.float64)
    if feature["kind"] == "datetime":
        values = stamps(values).map(pd.Timestamp.isoformat, na_action="ignore")
    return values.astype(object).where(values.notna(), None)


def pickled(pipeline: Pipeline) -> bytes:
    """Pickle a pipeline so that it loads without this repository."""
    cloudpickle.register_pickle_by_value(custom_model)
    try:
        return cloudpickle.dumps(pipeline)
    finally:
        cloudpickle.unregister_pickle_by_value(custom_model)


def save_training(pipeline: Pipeline, contract: dict[str, Any], rows: Rows) -> bytes:
    """Log the fitted pipeline, the contract and the held-out rows to the active run.

    Returns
    -------
    bytes
        The pickled pipeline.
    """
    # columns that this pipeline has no use for too: the champion may
    held_out = rows.features[1].copy()
    held_out[contract["target"]] = rows.labels[1]
    content = pickled(pipeline)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pipeline.pkl").write_bytes(content)
        Path(folder, "contract.json").write_text(json_text(contract), encoding="utf-8")
        held_out.to_parquet(Path(folder, "held_out.parquet"), index=True)
        mlflow.log_artifacts(folder, FOLDER)
    return content


def has_training(run: Run) -> bool:
    """Tell whether what ``save_training`` logged is still there."""
    try:
        logged = MlflowClient().list_artifacts(run.info.run_id, FOLDER)
    except (MlflowException, OSError):
        return False
    return {Path(file.path).name for file in logged} >= FILES


def load_training(run_id: str) -> Training:
    """Load what ``save_training`` logged to a run.

    Raises
    ------
    StepError
        When it is not there any more, or not whole.
    """
    try:
        return _load(run_id)
    except Exception as error:  # each artifact store raises its own, and so does each kind of file
        if explain(error):
            raise
        raise StepError(
            f"train run {run_id}: its artifacts in {FOLDER}/ are gone or damaged "
            f"({reason_of(error).partition(' (for the stack')[0]}); run the entry point train again"
        ) from error


def _load(run_id: str) -> Training:
    home = MlflowClient().get_run(run_id).info.artifact_uri
    with tempfile.TemporaryDirectory() as folder:
        path = Path(
            # by a run's id, MLflow would hide what the artifact store says
            mlflow.artifacts.download_artifacts(artifact_uri=f"{home}/{FOLDER}", dst_path=folder)
        )
        contract = json.loads(Path(path, "contract.json").read_text(encoding="utf-8"))
        held_out = pd.read_parquet(path / "held_out.parquet")
        pipeline = cloudpickle.loads(Path(path, "pipeline.pkl").read_bytes())
    row_numbers = held_out.index.to_numpy() + 1
    held_out = held_out.reset_index(drop=True)
    labels = held_out.pop(contract["target"])
    return Training(pipeline, contract, held_out, labels, row_numbers)


def contract_at(model_uri: str) -> dict[str, Any]:
    """Read the contract of a packaged model, without loading it."""
    return json.loads(mlflow.artifacts.load_text(f"{model_uri}/artifacts/contract.json"))


@contextmanager
def without_bytecode() -> Iterator[None]:
    """Keep Python from caching bytecode beside the artifact's code, where it would ship."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def json_text(value: Any) -> str:
    """Write JSON for people and programs: indented, unicode as it is, no NaN."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
