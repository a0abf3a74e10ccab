"""versions: what is registered, what stands where, and what is deployed."""

import sys

import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from steps import console
from steps.errors import StepError
from steps.lifecycle import DEPLOYMENT, DEPLOYMENTS, audit_trail, set_tag
from steps.parameters import convert, one_of
from steps.preflight import check_tracking
from steps.registry import find_version, versions_of
from steps.runs import launch

SHOWN = {"lifecycle_stage": "stage", "verdict": "verdict", "proof": "proof", DEPLOYMENT: "deployed"}


def list_versions(model_name: str) -> pd.DataFrame:
    """List the versions of a model, newest first.

    Parameters
    ----------
    model_name : str

    Returns
    -------
    DataFrame of n_versions rows
        ``version``, ``aliases``, ``stage``, ``verdict``, ``proof`` and ``deployed``.

    Raises
    ------
    StepError
        When there is no such model.
    """
    client = MlflowClient()
    try:
        aliases = client.get_registered_model(model_name).aliases
    except MlflowException as error:
        raise StepError(f"model_name: no registered model {model_name!r}") from error
    found = versions_of(client, model_name)
    rows = [
        {
            "version": str(version.version),
            "aliases": ",".join(a for a, v in aliases.items() if str(v) == str(version.version)),
        }
        | {column: version.tags.get(tag, "") for tag, column in SHOWN.items()}
        for version in sorted(found, key=lambda version: -int(version.version))
    ]
    return pd.DataFrame(rows, columns=["version", "aliases", *SHOWN.values()])


def set_deployment(model_name: str, version: str, status: str) -> None:
    """Set the deployment status of a version: the tag ``deployment_status``.

    Parameters
    ----------
    model_name : str
    version : str
        Number, or name of an alias.
    status : str
        One of ``none``, ``requested``, ``deployed``, ``failed``, ``retired``.

    Raises
    ------
    StepError
    """
    one_of("deployment_status", status, DEPLOYMENTS)
    found = find_version(model_name, version)
    set_tag(MlflowClient(), model_name, found.version, DEPLOYMENT, status)


def run(declared: dict[str, str], further: dict[str, str]) -> pd.DataFrame:
    """Run the step; returns the versions."""
    check_tracking()
    params = convert("versions", declared, further)
    if params["deployment_status"]:
        set_deployment(params["model_name"], params["version"], params["deployment_status"])
    versions = list_versions(params["model_name"])
    console.table(
        f"{params['model_name']}",
        {
            f"version {row['version']}": "  ".join(str(v) for k, v in row.items() if k != "version")
            for row in versions.to_dict("records")
        },
    )
    console.table(
        "audit trail",
        {
            f"{number}  {e['when']}": (
                f"{e['alias']}: {e['from'] or 'none'} -> {e['to']} by {e['who']}: {e['why']}"
            )
            for number, e in enumerate(audit_trail(params["model_name"]), 1)
        },
    )
    return versions


if __name__ == "__main__":
    sys.exit(launch("versions", run))
