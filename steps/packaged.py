"""A packaged model, found by its URI and loaded."""

from typing import Any, NamedTuple

import mlflow
from mlflow import MlflowClient
from mlflow.store.artifact.utils.models import get_model_name_and_version

from steps.errors import StepError
from steps.storage import contract_at, without_bytecode


class Packaged(NamedTuple):
    """A loaded model and what a valid row of it is."""

    model: Any  # what mlflow.pyfunc.load_model returns
    contract: dict[str, Any]
    name: str | None  # of the registered model
    version: str | None
    uri: str  # of this very version

    @property
    def predictor(self) -> Any:
        """The artifact's own ``Predictor``: for many rows, without the DataFrames of MLflow."""
        return self.model.unwrap_python_model().predictor

    @property
    def code(self) -> Any:
        """The module of that predictor."""
        return self.model.unwrap_python_model()._code

    @property
    def is_graph(self) -> bool:
        """Whether the pipeline is an ONNX graph, which any number of threads may ask at once."""
        artifacts = self.model.metadata.flavors["python_function"]["artifacts"]
        return str(artifacts["pipeline"]["path"]).endswith(".onnx")


def load_packaged(model_uri: str) -> Packaged:
    """Load a model that this project packaged.

    Parameters
    ----------
    model_uri : str
        Of a registered version, or of a logged or downloaded artifact.

    Returns
    -------
    Packaged

    Raises
    ------
    StepError
        When there is none.
    """
    try:
        name, version = _registered(model_uri)
        # an alias may move before the second file is read
        fixed = f"models:/{name}/{version}" if name else model_uri.rstrip("/")
        contract = contract_at(fixed)
        with without_bytecode():
            model = mlflow.pyfunc.load_model(fixed)
    except Exception as error:  # each store raises its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StepError(
            f"model_uri: expected a model that this project packaged, got {model_uri}: {reason}"
        ) from error
    return Packaged(model, contract, name, version, fixed)


def _registered(model_uri: str) -> tuple[str | None, str | None]:
    """Find the name and the version that an alias, a stage or ``latest`` stands for."""
    if not model_uri.startswith("models:/"):
        return None, None
    name, *version = get_model_name_and_version(MlflowClient(), model_uri)
    return (name, str(version[0])) if version else (None, None)  # none: a model's id
