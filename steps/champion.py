"""The current champion: the registered version that a new model has to stand up to."""

from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps.bootstrap import Scored
from steps.errors import listed, reason_of
from steps.storage import Training, as_signed, contract_at, without_bytecode


class AnotherQuestionError(Exception):
    """The champion answers another question: there is nothing to compare."""


class NotScoredError(Exception):
    """The champion should answer these rows and does not."""


def score_champion(version: ModelVersion, training: Training) -> Scored:
    """Score the held-out rows with the champion's own pyfunc.

    Parameters
    ----------
    version : ModelVersion
    training : Training
        Of the new model, whose held-out rows and classes are used.

    Returns
    -------
    Scored
        In the new model's classes; a class that the champion does not know has probability 0.

    Raises
    ------
    AnotherQuestionError
        When its target is another.
    NotScoredError
        When it does not load or refuses a row; says why.
    """
    uri = f"models:/{version.name}/{version.version}"
    contract = _contract_of(uri)
    if contract["target"] != training.contract["target"]:
        raise AnotherQuestionError(
            f"it predicts {contract['target']!r}, this model {training.contract['target']!r}"
        )
    lacking = [f["name"] for f in contract["features"] if f["name"] not in training.features]
    if lacking:
        raise NotScoredError(f"the data lacks its columns {listed(lacking)}")
    lost = [label for label in contract["classes"] if label not in training.contract["classes"]]
    if lost:
        raise NotScoredError(f"it knows classes that the new data lacks: {lost[:5]}")
    try:
        with without_bytecode():
            model = mlflow.pyfunc.load_model(uri)
        rows = as_signed(training.features, contract)
        answer = model.predict(rows, params={"output": "all"})
    except Exception as error:  # its own code, packages and pickles
        raise NotScoredError(reason_of(error).partition(" (for the stack")[0]) from error
    return _in_classes(answer, contract["classes"], training.contract["classes"])


def has_seen_held_out_rows(version: ModelVersion, train_tags: dict[str, str]) -> bool:
    """Tell whether the champion was fitted on the same data under another split."""
    try:
        tags = MlflowClient().get_run(version.tags["train_run_id"]).data.tags
    except (KeyError, MlflowException):
        return False
    same_data = tags.get("data_sha256") == train_tags.get("data_sha256")
    return same_data and tags.get("split_sha256") != train_tags.get("split_sha256")


def _contract_of(uri: str) -> dict[str, Any]:
    try:
        return contract_at(uri)
    except Exception as error:  # each artifact store raises its own
        raise NotScoredError(f"no contract.json can be read from {uri}") from error


def _in_classes(answer: pd.DataFrame, known: list[Any], classes: list[Any]) -> Scored:
    probabilities = np.zeros((len(answer), len(classes)))
    for label in known:
        probabilities[:, classes.index(label)] = answer[f"probability_{label}"]
    position = {label: index for index, label in enumerate(classes)}
    predicted = np.array([position[label] for label in answer["prediction"].tolist()], dtype=int)
    return Scored(predicted, probabilities)
