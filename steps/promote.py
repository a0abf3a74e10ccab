"""promote: move an alias to a proven version, or back to the one before."""

import sys

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps import console
from steps.errors import StepError
from steps.lifecycle import move_alias
from steps.locks import alone_at
from steps.parameters import convert
from steps.registry import check_names, find_version
from steps.runs import launch, step_run


def check_proven(version: ModelVersion) -> None:
    """Refuse a version that its own runs do not vouch for.

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
    same_training = evaluation.data.tags.get("train_run_id") == version.tags.get("train_run_id")
    if evaluation.data.tags.get("verdict") != "VALIDATED" or not same_training:
        raise StepError(f"{name}: its evaluation does not validate it; {remedy}")
    if package.data.tags.get("model_version") != str(version.version):
        raise StepError(f"{name}: its package run made no such version; {remedy}")


def run(declared: dict[str, str], further: dict[str, str]) -> str:
    """Run the step; returns the version that the alias points to now."""
    with step_run("promote", declared) as active:
        params = convert("promote", declared, further)
        name, alias = params["model_name"], params["alias"]
        check_names(name, alias)
        version = find_version(name, params["version"])
        mlflow.set_tags({"model_version": version.version, "registering": name})
        try:
            check_proven(version)
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
