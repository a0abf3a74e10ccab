"""Checkpoints of a network: logged models, from each of which a later run can go on."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from sklearn.pipeline import Pipeline

from steps.environment import PICKLE_PACKAGES
from steps.signals import undivided

CHECKPOINT, BEST = "checkpoint", "best"


def log_checkpoint(pipeline: Pipeline, epoch: int, rows: Mapping[str, str], name: str) -> str:
    """Log a pipeline as it is after an epoch, as a logged model of the active run.

    Parameters
    ----------
    pipeline : Pipeline
    epoch : int
    rows : mapping of str to str
        What identifies the training rows, as ``resume`` compares it.
    name : str
        ``checkpoint``, or ``best`` for the chosen weights, from which no run can go on.

    Returns
    -------
    str
        The id of the logged model.
    """
    import mlflow.sklearn

    info, client = mlflow.active_run().info, MlflowClient()  # type: ignore[union-attr]
    params = pipeline["classifier"].get_params(deep=False) | {"epoch": epoch, **rows}
    texts = {key: str(value) for key, value in params.items()}
    # it warns of every pickle; none of these is read but for who names it in resume_from
    logging.getLogger("mlflow.sklearn").setLevel(logging.ERROR)
    # MLflow would replace the requirements by the lock of the working directory
    os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"
    # its log_model would link the metrics of this step, and forget of which data set they are
    with undivided(), TemporaryDirectory() as folder:  # a signal leaves it whole or not at all
        model_id = client.create_logged_model(
            info.experiment_id, name, source_run_id=info.run_id, params=texts
        ).model_id
        with _finalized(model_id):
            mlflow.sklearn.save_model(
                pipeline,
                f"{folder}/model",
                mlflow_model=Model(run_id=info.run_id, model_id=model_id),
                serialization_format="cloudpickle",
                pip_requirements=_requirements(),
            )
            client.log_model_artifacts(model_id, f"{folder}/model")
            client.log_outputs(info.run_id, [LoggedModelOutput(model_id, step=epoch)])
    return model_id


@contextmanager
def _finalized(model_id: str) -> Iterator[None]:
    try:
        yield
    except Exception:
        with suppress(MlflowException):  # the first error is the one to tell
            MlflowClient().finalize_logged_model(model_id, "FAILED")
        raise
    MlflowClient().finalize_logged_model(model_id, "READY")


@cache
def _requirements() -> list[str]:
    names = {"mlflow", *PICKLE_PACKAGES} - {"mlflow-skinny"}
    return [f"{name}=={version(name)}" for name in sorted(names)]
