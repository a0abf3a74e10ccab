"""Approval: a model was validated, and stands up to the champion of this moment."""

import json
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from steps import console
from steps.errors import StepError
from steps.judgement import champion_checks, compare, score
from steps.registry import find_rival
from steps.runs import find_evaluation
from steps.storage import Training


def validated(
    train_run: Run, params: dict[str, Any], evaluate_run_id: str = ""
) -> tuple[Run | None, str]:
    """Find the evaluation that lets a train run be packaged.

    Parameters
    ----------
    train_run : Run
    params : dict
        ``model_name`` and ``force``.
    evaluate_run_id : str
        The newest one by default.

    Returns
    -------
    evaluation : Run or None
        None where ``force`` stands in for one.
    forced : str
        What ``force`` overrode; empty for nothing.

    Raises
    ------
    StepError
        When it was rejected or never evaluated, and ``force`` is not given.
    """
    try:
        evaluation = (
            MlflowClient().get_run(evaluate_run_id)
            if evaluate_run_id
            else find_evaluation(train_run, params["model_name"])
        )
    except StepError as error:
        if params["force"]:
            return None, str(error)
        raise
    if evaluation.data.tags["verdict"] == "VALIDATED":
        return evaluation, ""
    reason = (
        f"train run {train_run.info.run_id} was rejected: {evaluation.data.tags['verdict_reasons']}"
    )
    if params["force"]:
        return evaluation, reason
    raise StepError(f"{reason}; nothing is registered")


def challenge(evaluation: Run, train_run: Run, training: Training, params: dict[str, Any]) -> None:
    """Judge against the champion of now, where that is not the one that evaluate judged against.

    Raises
    ------
    StepError
        When the model is worse than that.
    """
    now = find_rival(params["model_name"], params["alias"])
    if now is None or now.tags.get("train_run_id") == train_run.info.run_id:
        return
    judged = json.loads(evaluation.data.tags["judgement"])
    name = params["model_name"]
    if (judged["model_name"], judged["champion_version"]) == (name, str(now.version)):
        return
    labels, scored = score(training)
    asked = judged | {"model_name": name, "alias": params["alias"]}
    try:
        rivals = compare(training, train_run, labels, scored, asked)
    except StepError as error:
        raise StepError(
            f"{error} and model_name={name} at the entry point evaluate, then package again"
        ) from error
    if rivals.remark:
        console.warn(rivals.remark)
    missed = [c for c in champion_checks(rivals, judged["max_regression"]) if not c.passed]
    if missed:
        raise StepError(
            f"since the evaluation {name} has a new champion: {missed[0]}; nothing is registered"
        )


def challenged(evaluation: Run | None, train_run: Run, training: Training, params: dict) -> str:
    """Challenge the champion of now; returns what ``force`` overrode, empty for nothing."""
    if evaluation is None:
        return ""
    try:
        challenge(evaluation, train_run, training, params)
    except StepError as error:
        if not params["force"]:
            raise
        return str(error)
    return ""
