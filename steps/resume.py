"""Going on from a checkpoint, and refusing one of another training."""

from collections.abc import Mapping
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelInput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from steps.cache import original
from steps.checkpoints import CHECKPOINT
from steps.epochs import has_epochs
from steps.errors import StepError, reason_of
from steps.outage import explain

# what may differ between a checkpoint and the run that goes on from it
FREE = {"max_iter", "n_iter_no_change", "verbose"}
# what must not, and the parameters to look at
SAME_ROWS = {"data_sha256": "data", "split_sha256": "split (target, test_size, seed)"}


def resume(pipeline: Pipeline, resume_from: str, rows: Mapping[str, str]) -> None:
    """Put the network of a checkpoint into an unfitted pipeline, in place.

    Parameters
    ----------
    pipeline : Pipeline
        Whose classifier says how the training shall go on.
    resume_from : str
        Id of a train run or of a main run, whose newest checkpoint is taken, or the URI of one.
        Empty: nothing is done.
    rows : mapping of str to str
        What identifies the training rows, as given to ``log_checkpoint``.

    Raises
    ------
    StepError
        When there is no such checkpoint, or it is one of another training.
    """
    if not resume_from:
        return
    network = pipeline["classifier"]
    if not has_epochs(network):
        raise StepError(
            "resume_from: expected a classifier that is trained in epochs, such as "
            f"neural_network, got {type(network).__name__}; leave resume_from out"
        )
    logged = _find(resume_from)
    stored = _load(logged)
    for name, told in SAME_ROWS.items():
        if logged.params.get(name) != rows[name]:
            raise StepError(
                f"resume_from: checkpoint {logged.model_id} is of other rows: the {told} must be "
                "as it was, or train anew without resume_from"
            )
    _check_same(logged.model_id, stored, network)
    stored.set_params(**{name: getattr(network, name) for name in FREE})
    pipeline.set_params(classifier=stored)
    mlflow.set_tag("resumed_from", logged.model_id)
    run_id = mlflow.active_run().info.run_id  # type: ignore[union-attr]
    MlflowClient().log_inputs(run_id, models=[LoggedModelInput(logged.model_id)])


def _check_same(model_id: str, stored: Any, network: BaseEstimator) -> None:
    """Refuse a network that this training could not have come to."""
    if type(stored) is not type(network):
        raise StepError(
            f"resume_from: checkpoint {model_id} holds a {type(stored).__name__}, this training "
            f"asks for a {type(network).__name__}: give the same classifier"
        )
    before, now = stored.get_params(deep=False), network.get_params(deep=False)
    for name in sorted(set(now) - FREE):
        if before[name] != now[name]:
            raise StepError(
                f"resume_from: checkpoint {model_id} was trained with {name}={before[name]}, this "
                f"training asks for {name}={now[name]}: give the same, or train anew"
            )
    epochs = len(stored.epochs_["training_loss"])
    if network.max_iter < epochs:
        raise StepError(
            f"resume_from: checkpoint {model_id} is of epoch {epochs}: expected a max_iter of that "
            f"or more, got {network.max_iter}"
        )


def _load(logged: LoggedModel) -> BaseEstimator:
    import mlflow.sklearn

    try:
        stored = mlflow.sklearn.load_model(logged.model_uri)["classifier"]
        state = stored.epochs_
    except Exception as error:  # each artifact store raises its own, and so does each other model
        if explain(error):
            raise
        raise StepError(
            f"resume_from: checkpoint {logged.model_id} is gone, damaged or no network of this "
            f"project ({reason_of(error).partition(' (for the stack')[0]}); name another"
        ) from error
    if "random_state" not in state:
        raise StepError(
            f"resume_from: expected a model named {CHECKPOINT}, got {logged.model_id}, which holds "
            "chosen weights only; name the run instead"
        )
    return stored


def _find(resume_from: str) -> LoggedModel:
    client = MlflowClient()
    try:
        if resume_from.startswith("models:/m-"):
            return client.get_logged_model(resume_from.removeprefix("models:/"))
        run = original(client.get_run(resume_from))
    except MlflowException as error:
        if explain(error):
            raise
        raise StepError(
            "resume_from: expected the id of a train or main run, or models:/m-… of a checkpoint, "
            f"got {resume_from!r}, which is not there"
        ) from error
    experiments = [run.info.experiment_id]
    if run.data.tags.get("step") in ("main", "tune"):
        nested = f"tags.mlflow.parentRunId = '{resume_from}' and tags.step = 'train'"
        run = next((original(found) for found in client.search_runs(experiments, nested)), run)
    models = client.search_logged_models(
        experiments,
        filter_string=f"source_run_id = '{run.info.run_id}' and name = '{CHECKPOINT}'",
        order_by=[{"field_name": "creation_timestamp", "ascending": False}],
    )
    # MLflow finds nothing by a status in the filter
    found = [model for model in models if model.status == LoggedModelStatus.READY]
    if not found:
        raise StepError(
            f"resume_from: run {resume_from} has no checkpoint; name a run with checkpoint_every "
            "above 0 that came to one"
        )
    return found[0]
