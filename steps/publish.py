"""Publishing: a proven artifact becomes a version, and the alias moves to it last of all."""

import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.models.model import ModelInfo

from steps.export import Export
from steps.lifecycle import DEPLOYMENT, DEPLOYMENTS, move_alias
from steps.outage import closing
from steps.registry import register, remove_versions
from steps.signing import check_key, sign

SIGNATURE = "model.sig"


def form_tags(exported: Export) -> dict[str, str]:
    """Say in which form the pipeline ships, and why it is no graph where it is none."""
    return {
        "pipeline_format": "pickle" if exported.reason else "onnx",
        "pipeline_format_reason": exported.reason,
    }


def version_tags(
    evaluation: Run | None, train_run: Run, exported: Export, proof: dict[str, Any], forced: str
) -> dict[str, str]:
    """Make the tags of a version: what it is, who vouches for it, and where to look."""
    run = mlflow.active_run()
    tags = {
        "pipeline_format": form_tags(exported)["pipeline_format"],
        "train_run_id": train_run.info.run_id,
        "package_run_id": run.info.run_id if run else "",
        "verdict": "FORCED" if forced else "VALIDATED",
        "proof": f"PASSED {proof['verify_env']} {proof['environment_sha256'][:12]}",
        "data_sha256": train_run.data.tags.get("data_sha256", ""),
        DEPLOYMENT: DEPLOYMENTS[0],
    }
    if evaluation:
        tags["evaluate_run_id"] = evaluation.info.run_id
    return tags | ({"forced_because": forced[:1000]} if forced else {})


def sign_artifact(info: ModelInfo, signing_key: str) -> dict[str, str]:
    """Sign the artifact as it is stored, and log the signature beside it.

    Returns
    -------
    dict of str to str
        Tags for the version: where the signature is, and who signed; none without a key.
    """
    run = mlflow.active_run()
    if not signing_key or run is None:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = mlflow.artifacts.download_artifacts(info.model_uri, dst_path=f"{scratch}/model")
        signed_by = sign(Path(folder), check_key(signing_key), Path(scratch, SIGNATURE))
        mlflow.log_artifact(f"{scratch}/{SIGNATURE}", "signature")
    uri = f"runs:/{run.info.run_id}/signature/{SIGNATURE}"
    return {"signature_uri": uri, "signed_by": signed_by}


def publish(
    info: ModelInfo, params: dict[str, Any], tags: dict[str, str], description: str
) -> ModelVersion:
    """Register a version and move the alias to it, last of all; a failure leaves neither."""
    client, name, run_id = MlflowClient(), params["model_name"], tags["package_run_id"]
    mlflow.set_tag("registering", name)  # for the next start, should this process be killed
    version = register(info.model_uri, name, tags, description)
    try:
        mlflow.set_tag("model_version", version.version)  # by which promote knows it again
        move_alias(version, params["alias"], "packaged", run_id)
    except BaseException as error:
        with closing(error):
            remove_versions(client, name, run_id)
        raise
    return version
