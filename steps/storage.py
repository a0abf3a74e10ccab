"""What the train run keeps for the steps after it: pipeline, contract and held-out rows."""

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import mlflow
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

import custom_model
from custom_model.model import encode

FOLDER = "training"


class Training(NamedTuple):
    """A finished training: all that later steps need."""

    pipeline: Pipeline
    contract: dict[str, Any]
    features: pd.DataFrame  # held-out rows
    labels: pd.Series

    def matrix(self) -> np.ndarray:
        """Encode the held-out rows: shape (n_rows, n_encoded), float32."""
        return encode(self.features, self.contract)


def pickled(pipeline: Pipeline) -> bytes:
    """Pickle a pipeline so that it loads without this repository."""
    cloudpickle.register_pickle_by_value(custom_model)
    try:
        return cloudpickle.dumps(pipeline)
    finally:
        cloudpickle.unregister_pickle_by_value(custom_model)


def save_training(
    pipeline: Pipeline, contract: dict[str, Any], features: pd.DataFrame, labels: pd.Series
) -> None:
    """Log the fitted pipeline, the contract and the held-out rows to the active run."""
    names = [feature["name"] for feature in contract["features"]]
    held_out = features[names].assign(**{contract["target"]: labels})
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pipeline.pkl").write_bytes(pickled(pipeline))
        Path(folder, "contract.json").write_text(json_text(contract), encoding="utf-8")
        held_out.to_parquet(Path(folder, "held_out.parquet"), index=False)
        mlflow.log_artifacts(folder, FOLDER)


def load_training(run_id: str) -> Training:
    """Load what ``save_training`` logged to a run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(
            mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=FOLDER, dst_path=folder
            )
        )
        contract = json.loads(Path(path, "contract.json").read_text(encoding="utf-8"))
        held_out = pd.read_parquet(path / "held_out.parquet")
        pipeline = cloudpickle.loads(Path(path, "pipeline.pkl").read_bytes())
    return Training(
        pipeline, contract, held_out.drop(columns=contract["target"]), held_out[contract["target"]]
    )


def json_text(value: Any) -> str:
    """Write JSON for people and programs: indented, unicode as it is, no NaN."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
