"""The one artifact: code, contract and pipeline, with signature, example and environment files."""

import hashlib
import os
import tempfile
from pathlib import Path

import mlflow
from mlflow.models.model import ModelInfo

from custom_model import model as serving_code
from steps.contract import signature_of
from steps.environment import requirements
from steps.export import Export
from steps.storage import Training, json_text, without_bytecode

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
            input_example=training.signed().head(EXAMPLE_ROWS),
            pip_requirements=requirements(exported.file_name, exported.content),
        )
