"""What MLflow loads: the predictor of this artifact, behind the interface of pyfunc."""

import hashlib
import logging
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext

_logger = logging.getLogger("pyfunc_classifier")


class ClassifierModel(PythonModel):
    """Raw rows in, labels and probabilities out; see ``predict``."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the predictor, after checking that none of its files was altered.

        Raises
        ------
        MlflowException
            When a file differs from its recorded SHA-256, or the pipeline cannot be loaded here.
        """
        config = context.model_config or {}
        files = {name: Path(path).read_bytes() for name, path in context.artifacts.items()}
        for name, digest in config.get("sha256", {}).items():
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise MlflowException(
                    f"{Path(context.artifacts[name]).name} was altered after packaging: "
                    "its SHA-256 is not the recorded one. Download or package the model again."
                )
        _warn_of_other_versions(config.get("packages", {}))
        # a module of this model's own: another version's artifact may be loaded beside it
        self._code = ModuleType("predictor")
        exec(compile(files["predictor"], context.artifacts["predictor"], "exec"), vars(self._code))
        try:
            self.predictor = self._code.load(files["contract"], files["pipeline"])
        except RuntimeError as error:
            raise MlflowException(str(error)) from error

    def predict(
        self,
        context: PythonModelContext | None,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Score rows: as many come out as went in, in the same order.

        Parameters
        ----------
        context : PythonModelContext
            Unused: everything was loaded by ``load_context``.
        model_input : DataFrame of n_rows rows
            The contract's features.
        params : dict, optional
            See ``Predictor.params``.

        Returns
        -------
        DataFrame of n_rows rows
            See ``Predictor.answer``.

        Raises
        ------
        MlflowException
            ``INVALID_PARAMETER_VALUE`` for what the caller can mend, ``INTERNAL_ERROR`` (with an
            id that also stands in the log) for a fault of ours.
        """
        try:
            columns = self.predictor.predict(model_input, params or {})
            # pandas would make NaN of the nulls beside texts
            dtype = object if "error" in columns else None
            return pd.DataFrame(columns, index=model_input.index, dtype=dtype, copy=False)
        except self._code.InputError as error:
            raise MlflowException(str(error), INVALID_PARAMETER_VALUE) from None
        except (Exception, SystemExit) as error:  # an exit would end the server
            fault = uuid.uuid4().hex[:12]
            _logger.exception("prediction failed, id %s", fault)
            raise MlflowException(
                f"the model failed on this input; id {fault} in the server's log", INTERNAL_ERROR
            ) from error


def _warn_of_other_versions(packages: dict[str, str]) -> None:
    # MLflow compares the requirements without a hash only, and ours have one
    here = {name: _version(name) for name in packages}
    other = [
        f"{name} {was} (here {here[name]})" for name, was in packages.items() if here[name] != was
    ]
    if other:
        _logger.warning(
            "this model was packaged with %s: its answers may differ; install its requirements.txt",
            ", ".join(other),
        )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


mlflow.models.set_model(ClassifierModel())
