"""The one artifact: code, contract and pipeline, with signature, example and environment files."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mlflow.models.model import Model, ModelInfo

from custom_model import model as serving_code
from custom_model import predictor
from steps import locked_pyfunc
from steps import wheels as wheeled
from steps.contract import signature_of
from steps.environment import locked, requirements
from steps.errors import StepError, reason_of
from steps.export import Export
from steps.outage import is_lost
from steps.sbom import sbom
from steps.storage import Training, json_text, without_bytecode

EXAMPLE_ROWS = 5


def log_artifact(
    training: Training, exported: Export, card: str, wheels: bool = False
) -> ModelInfo:
    """Log the one artifact to the active run.

    Parameters
    ----------
    training : Training
    exported : Export
    card : str
        The model card, Markdown.
    wheels : bool
        Whether the wheels of all that it needs go with it.

    Returns
    -------
    ModelInfo
    """
    with _contents(training, exported, card) as contents:
        return Model.log(name="model", artifact_path=None, flavor=_flavor(wheels), **contents)


def save_artifact(
    training: Training, exported: Export, card: str, folder: Path, wheels: bool = False
) -> None:
    """Save the one artifact to a folder, which is there whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        with _contents(training, exported, card) as contents:
            _flavor(wheels).save_model(path=str(partial), **contents)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _flavor(wheels: bool) -> SimpleNamespace:
    return wheeled.FLAVOR if wheels else locked_pyfunc.FLAVOR


@contextmanager
def kept_if_lost(
    run_id: str, training: Training, exported: Export, card: str, wheels: bool
) -> Iterator[None]:
    """Keep a copy of the artifact in the current folder when the tracking store is lost.

    Raises
    ------
    StepError
        Naming the folder, ``unregistered-model-`` and the first letters of the run's id.
    """
    try:
        yield
    except Exception as error:
        if not is_lost(error):
            raise
        folder = Path(f"unregistered-model-{run_id[:8]}").resolve()
        try:
            save_artifact(training, exported, card, folder, wheels)
            kept = f"the artifact, not registered, is kept in {folder}"
        except Exception as another:
            kept = f"no copy of the artifact can be kept in {folder}: {reason_of(another)}"
        raise StepError(f"{reason_of(error)}; {kept}") from error


@contextmanager
def _contents(training: Training, exported: Export, card: str) -> Iterator[dict[str, Any]]:
    pins = requirements(exported.file_name, exported.content)
    packages = dict(pin.split("==") for pin in pins)
    bill = sbom(locked(*packages), hashlib.sha256(exported.content).hexdigest())
    content = {
        "predictor": ("predictor.py", Path(predictor.__file__).read_bytes()),
        "contract": ("contract.json", json_text(training.contract).encode()),
        "pipeline": (exported.file_name, exported.content),
        "model_card": ("model_card.md", card.encode()),
        "sbom": ("sbom.cdx.json", bill.encode()),
    }
    # MLflow would replace the artifact's requirements by the lock of the working directory
    os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"
    with tempfile.TemporaryDirectory() as folder, without_bytecode():
        for file_name, data in content.values():
            Path(folder, file_name).write_bytes(data)
        yield {
            "python_model": serving_code.__file__,
            "artifacts": {key: str(Path(folder, name)) for key, (name, _) in content.items()},
            "model_config": {
                "sha256": {
                    key: hashlib.sha256(data).hexdigest() for key, (_, data) in content.items()
                },
                "packages": packages,
            },
            "signature": signature_of(training.contract),
            "input_example": training.signed().head(EXAMPLE_ROWS),
            "pip_requirements": pins,
        }
