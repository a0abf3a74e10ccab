"""verify: tell whether a signed artifact is still what was signed, without loading it."""

import sys
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from mlflow.store.artifact.utils.models import get_model_name_and_version

from steps import console
from steps.errors import StepError
from steps.folders import files_of
from steps.keys import PUBLIC_PART, read_public_key
from steps.parameters import convert
from steps.runs import launch
from steps.signing import require_packages, verify
from steps.uris import is_uri, local_source

SIGNATURE_TAG = "signature_uri"  # of a model version
GIVE_SIGNATURE = "give its path or URI as signature"


def run(declared: dict[str, str], further: dict[str, str]) -> str:
    """Run the step, which makes no run of its own; returns the fingerprint of the signer's key."""
    params = convert("verify", declared, further)
    require_packages()
    if not params["public_key"]:
        raise StepError(
            "public_key: expected the PEM file of the signer's public key, got none; it comes from "
            f"whoever signed, and is no part of the artifact: {PUBLIC_PART}"
        )
    public_key = Path(params["public_key"]).expanduser()
    read_public_key(public_key)
    model_uri, signature_uri = located(params["model_uri"], params["signature"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = fetched("model_uri", model_uri, scratch)
        signature = fetched("signature", signature_uri, scratch)
        fingerprint = verify(folder, signature, public_key)
        n_files = len(files_of(folder))
    console.table(
        "verify",
        {
            "artifact": model_uri,
            "signature": signature_uri,
            "files": n_files,
            "signed by": fingerprint,
            "verdict": "VERIFIED",
        },
    )
    return fingerprint


def located(model_uri: str, signature: str) -> tuple[str, str]:
    """Find the signature that belongs to a model.

    Parameters
    ----------
    model_uri : str
    signature : str
        Path or URI. Empty: the one that the registered version records.

    Returns
    -------
    model_uri : str
        With the number of the version instead of an alias that may move meanwhile.
    signature : str

    Raises
    ------
    StepError
        When none is recorded.
    """
    if not model_uri:
        raise StepError("model_uri: expected the folder or URI of an artifact, got none")
    if signature:
        return model_uri, signature
    if not model_uri.startswith("models:/"):
        raise StepError(
            f"signature: expected one for {model_uri}, got none: only a registered version records "
            f"its own; {GIVE_SIGNATURE}"
        )
    client = MlflowClient()
    name, *numbers = get_model_name_and_version(client, model_uri.rstrip("/"))
    tags = client.get_model_version(name, numbers[0]).tags if numbers else {}
    if SIGNATURE_TAG not in tags:
        raise StepError(
            f"signature: expected {model_uri} to record one (tag {SIGNATURE_TAG}), got none: it is "
            f"packaged without a key, or no registered version; {GIVE_SIGNATURE}"
        )
    return f"models:/{name}/{numbers[0]}", tags[SIGNATURE_TAG]


def fetched(parameter: str, uri: str, scratch: str) -> Path:
    """Download a URI; a path is returned as it is, and no tracking store is asked for it.

    Raises
    ------
    StepError
        When it cannot be downloaded.
    """
    if not is_uri(uri):
        return Path(uri).expanduser()
    folder = Path(scratch, parameter)
    folder.mkdir()
    return local_source(uri, str(folder), parameter)


if __name__ == "__main__":
    sys.exit(launch("verify", run))
