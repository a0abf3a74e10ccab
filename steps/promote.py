"""promote: move an alias to a proven version, or back to the one before."""

import sys
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps import console
from steps.approval import challenge
from steps.errors import StepError
from steps.lifecycle import audit_trail, move_alias
from steps.locks import alone_at
from steps.parameters import convert
from steps.registry import check_names, find_version
from steps.runs import launch, step_run
from steps.storage import load_training


def check_proven(version: ModelVersion) -> tuple[Run, Run]:
    """Refuse a version that its own runs do not vouch for.

    Returns
    -------
    train_run, evaluation : Run

    Raises
    ------
    StepError
        When its evaluation is not VALIDATED, or its proof is missing: by the runs themselves, for
        a version's tags can be edited.
    """
    name = f"version {version.version} of {version.name}"
    remedy = "package it again, or promote it all the same with force=true"
    if version.tags.get("verdict") != "VALIDATED":
        verdict = version.tags.get("verdict", "none")
        raise StepError(f"{name}: expected the verdict VALIDATED, got {verdict}; {remedy}")
    try:
        client = MlflowClient()
        evaluation = client.get_run(version.tags["evaluate_run_id"])
        package = client.get_run(version.tags["package_run_id"])
        mlflow.artifacts.load_dict(f"{package.info.artifact_uri}/proof.json")
    except (KeyError, MlflowException, OSError) as error:
        raise StepError(f"{name}: its evaluation or its proof cannot be found; {remedy}") from error
    said = package.data.tags
    for tag in ("verdict", "train_run_id", "evaluate_run_id", "proof"):
        if said.get(tag) != version.tags.get(tag):
            raise StepError(f"{name}: its tag {tag} is not what its package run wrote; {remedy}")
    made = (said.get("registering"), said.get("model_version"))
    if made != (version.name, str(version.version)):
        raise StepError(f"{name}: its package run made no such version; {remedy}")
    if evaluation.data.tags.get("verdict") != "VALIDATED":
        raise StepError(f"{name}: its evaluation does not validate it; {remedy}")
    return client.get_run(version.tags["train_run_id"]), evaluation


def check_promotable(version: ModelVersion, params: dict[str, Any]) -> None:
    """Refuse a version that is not proven, or worse than the champion it would replace.

    A version that has been under the alias before was let there: going back to it is free.

    Raises
    ------
    StepError
    """
    train_run, evaluation = check_proven(version)
    been = {e["to"] for e in audit_trail(version.name) if e["alias"] == params["alias"]}
    if str(version.version) not in been:
        challenge(evaluation, train_run, load_training(train_run.info.run_id), params)


def run(declared: dict[str, str], further: dict[str, str]) -> str:
    """Run the step; returns the version that the alias points to now."""
    with step_run("promote", declared) as active:
        params = convert("promote", declared, further)
        name, alias = params["model_name"], params["alias"]
        check_names(name, alias)
        version = find_version(name, params["version"])
        mlflow.set_tags({"model_version": version.version, "registering": name})
        try:
            check_promotable(version, params)
        except StepError as error:
            if not params["force"]:
                raise
            console.warn(f"FORCED: {error}")
            params["why"] = f"FORCED: {params['why']}"
        with alone_at(mlflow.get_registry_uri(), "registry"):
            before = move_alias(version, alias, params["why"], active.info.run_id)
        rows = {"model": name, "alias": alias, "from": before or "none", "to": version.version}
        console.table("promote", rows | {"run": active.info.run_id})
        return str(version.version)


if __name__ == "__main__":
    sys.exit(launch("promote", run))
