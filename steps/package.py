"""package: one pyfunc artifact of an evaluated model, proven, registered, the alias moved last."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.models import get_model_info
from mlflow.models.model import ModelInfo

from steps import console, model_card
from steps.approval import challenged, validated
from steps.artifact import kept_if_lost, log_artifact
from steps.cache import KEY, key_of, reuse, told
from steps.export import Export, export, parity_rows, run_onnx
from steps.facts import facts_of
from steps.flavors import log_graph
from steps.isolation import check_manager
from steps.keys import fingerprint, read_private_key
from steps.locks import alone_at
from steps.names import name_run
from steps.outage import closing
from steps.parameters import convert
from steps.proof import prove
from steps.publish import form_tags, publish, sign_artifact, version_tags
from steps.registry import check_names, find_alias, remove_logged_models
from steps.runs import find_train_run, launch, step_run
from steps.signing import check_key
from steps.storage import Training, load_training
from steps.usage import commands
from steps.wheels import built_for, told_of


def convert_pipeline(training: Training) -> Export:
    """Export the pipeline."""
    rows = parity_rows(training.matrix, training.contract)
    with console.progress("converting to ONNX and comparing"):
        exported = export(training.pipeline, rows, training.contract["threshold"])
    if exported.reason:
        console.warn(f"packaged as a pickle, not as a graph: {exported.reason}")
    return exported


def pack(
    training: Training, exported: Export, card: str, params: dict[str, Any]
) -> tuple[ModelInfo, dict[str, Any]]:
    """Log and prove the artifact, and log its graph in MLflow's own flavor.

    Returns
    -------
    info : ModelInfo
    proof : dict
    """
    if not exported.reason:
        probabilities = run_onnx(exported.content, training.matrix[:5])
        log_graph(exported.content, training.matrix, probabilities)
        mlflow.log_metrics(
            {"parity_rows": exported.n_rows, "parity_max_difference": exported.difference}
        )
    info = log_artifact(training, exported, card, params["wheels"])
    with console.progress(
        f"proving the artifact in an environment of its own ({params['verify_env']})"
    ):
        proof = prove(info.model_uri, training, params["verify_env"])
    mlflow.log_dict(proof, "proof.json")
    mlflow.log_metrics({f"proof_{name}_seconds": value for name, value in proof["seconds"].items()})
    return info, proof


@contextmanager
def cleaned_up(run: Run) -> Iterator[None]:
    """Delete the logged model of a package run that fails."""
    try:
        yield
    except BaseException as error:
        with closing(error), suppress(Exception):  # the failure itself is what to tell
            remove_logged_models(MlflowClient(), run)
        raise


def check_parameters(params: dict[str, Any]) -> None:
    """Refuse what would fail only at the end."""
    check_names(params["model_name"], params["alias"])
    check_manager(params["verify_env"])
    if params["signing_key"]:
        check_key(params["signing_key"])


def cache_key(params: dict[str, Any], train_run: Run, evaluation: Run | None) -> str:
    """Name the packaging by all that it depends on."""
    evaluated = evaluation.info.run_id if evaluation else ""
    inputs = {"run_id": train_run.info.run_id, "evaluate_run_id": evaluated}
    if params["signing_key"]:  # another key may lie at the same path
        key = read_private_key(check_key(params["signing_key"]))
        inputs["signing_key"] = fingerprint(key.public_key())
    return key_of("package", params=params | inputs)


def still_registered(params: dict[str, Any]) -> Callable[[Run], bool]:
    """Tell of a package run whether its version is whole and the alias still points to it."""

    def still_good(packaged: Run) -> bool:
        version = find_alias(params["model_name"], params["alias"])
        if version is None or str(version.version) != packaged.data.tags.get("model_version"):
            return False
        try:
            get_model_info(f"models:/{params['model_name']}/{version.version}")
        except (MlflowException, OSError):
            return False
        return True

    return still_good


def make(
    training: Training, train_run: Run, evaluation: Run | None, forced: str, params: dict[str, Any]
) -> tuple[str, dict[str, str]]:
    """Pack, prove, challenge and publish; returns the version and lines for the console."""
    exported, run = convert_pipeline(training), mlflow.active_run()
    run_id = run.info.run_id if run else ""

    def card() -> str:
        return model_card.render(facts_of(train_run, evaluation, mlflow.get_run(run_id)))

    wheels = {"wheels_for": built_for()} if params["wheels"] else {}
    mlflow.set_tags(form_tags(exported) | wheels)
    first_card = card()
    with kept_if_lost(run_id, training, exported, first_card, params["wheels"]):
        info, proof = pack(training, exported, first_card, params)
        signed = sign_artifact(info, params["signing_key"])
        with alone_at(mlflow.get_registry_uri(), "registry"):  # no other moves the alias meanwhile
            forced = forced or challenged(evaluation, train_run, training, params)
            tags = version_tags(evaluation, train_run, exported, proof, forced) | signed | wheels
            mlflow.set_tags(tags)
            description = card()  # what is said of the version: the proof and what was forced too
            mlflow.set_tag("mlflow.note.content", description)
            if forced:
                console.warn(f"FORCED: {forced}; registered all the same, with verdict=FORCED")
            version = publish(info, params, tags, description).version
    lines = {
        "pipeline": f"{exported.file_name}, {len(exported.content) / 1024:.0f} KiB",
        "parity": exported.verdict(),
        "proof": f"{proof['rows']} rows in {proof['verify_env']}, served too",
    }
    return str(version), lines | (told_of(info) if wheels else {})


def run(
    declared: dict[str, str],
    further: dict[str, str],
    fresh: bool = True,
    evaluate_run_id: str = "",
) -> str:
    """Run the step; returns the registered version, or the one that it would repeat."""
    with step_run("package", declared) as active, cleaned_up(active):
        params = convert("package", declared, further)
        check_parameters(params)
        train_run = find_train_run(params["run_id"])
        name_run(active, train_run.data.params)
        mlflow.set_tag("train_run_id", train_run.info.run_id)
        evaluation, forced = validated(train_run, params, evaluate_run_id)
        training = load_training(train_run.info.run_id)
        key = cache_key(params, train_run, evaluation)
        done = None if fresh else reuse(active, key, still_registered(params))
        if done:
            version, lines = done.data.tags["model_version"], told(done)
            mlflow.set_tag("model_version", version)
        else:
            mlflow.set_tag(KEY, key)
            version, lines = make(training, train_run, evaluation, forced, params)
        name, alias = params["model_name"], params["alias"]
        lines |= {"registered": f"{name} version {version}", "alias": alias}
        console.table("package", lines | {"run": active.info.run_id})
        print(commands(name, alias, training.signed().head(1)))
        return version


if __name__ == "__main__":
    sys.exit(launch("package", run))
