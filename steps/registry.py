"""The model registry: whole versions or none."""

import io
import random
import time
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from typing import TypeVar

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import (
    _validate_model_alias_name,
    _validate_model_alias_name_reserved,
    _validate_model_name,
)

from steps.errors import StepError
from steps.outage import closing

ATTEMPTS = 8
CHALLENGER = "challenger"  # the alias of a version that has yet to beat the champion
Result = TypeVar("Result")
# what another process at work on the same model makes of an innocent call
CONFLICTS = ("UNIQUE constraint", "IntegrityError", "UniqueViolation", "database is locked",
             "Giving up after", "DeadlockDetected", "duplicate key")  # fmt: skip


def check_names(model_name: str, alias: str) -> None:
    """Refuse a name that MLflow will not take, before any work.

    Raises
    ------
    StepError
    """
    for parameter, value, checks in (
        ("model_name", model_name, [_validate_model_name]),
        ("alias", alias, [_validate_model_alias_name, _validate_model_alias_name_reserved]),
    ):
        for check in checks:
            try:
                check(value)
            except MlflowException as error:
                raise StepError(f"{parameter}: {error.message}") from error


def retried(call: Callable[[], Result]) -> Result:
    """Call again, a few times, when another process got in between."""
    for attempt in range(ATTEMPTS):
        try:
            return call()
        except MlflowException as error:
            if attempt == ATTEMPTS - 1 or not any(word in error.message for word in CONFLICTS):
                raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
    raise AssertionError("unreachable")


def find_rival(model_name: str, alias: str) -> ModelVersion | None:
    """Find the version to beat on the way to an alias: for a challenger, the champion."""
    return find_alias(model_name, "champion" if alias == CHALLENGER else alias)


def find_alias(model_name: str, alias: str) -> ModelVersion | None:
    """Find the version that an alias points to; None where there is none."""
    try:
        return MlflowClient().get_model_version_by_alias(model_name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        if error.error_code == "PERMISSION_DENIED" and not _is_listed(model_name):
            return None  # a server with users refuses a plain one what is not there yet
        raise


def _is_listed(model_name: str) -> bool:
    client = MlflowClient()
    return bool(client.search_registered_models(_named(model_name), max_results=1))


def _named(model_name: str) -> str:
    """Filter by a name that may hold a quote."""
    quote = '"' if "'" in model_name else "'"
    return f"name = {quote}{model_name}{quote}"


def find_version(model_name: str, version: str) -> ModelVersion:
    """Find a version by its number, or by the name of an alias.

    Raises
    ------
    StepError
        When there is none.
    """
    client = MlflowClient()
    try:
        if version.isdecimal():
            return client.get_model_version(model_name, version)
        return client.get_model_version_by_alias(model_name, version)
    except MlflowException as error:
        raise StepError(
            f"version: {model_name} has no version or alias {version!r}; "
            "the entry point versions lists them"
        ) from error


def register(
    model_uri: str, model_name: str, tags: dict[str, str], description: str
) -> ModelVersion:
    """Register a version and read it back; nothing is left when that fails.

    Parameters
    ----------
    model_uri : str
    model_name : str
    tags : dict of str to str
        ``package_run_id`` among them, by which a half-registered version is found again.
    description : str

    Returns
    -------
    ModelVersion
        As read back.

    Raises
    ------
    StepError
        When what is read back is not what was written.
    """
    client = MlflowClient()
    retried(lambda: _create_model(client, model_name, tags["package_run_id"]))
    try:
        with redirect_stderr(io.StringIO()):  # the step tells itself what it registered
            version = retried(
                lambda: mlflow.register_model(model_uri, model_name, tags=tags)
            ).version
        retried(lambda: client.update_model_version(model_name, version, description))
        found = client.get_model_version(model_name, version)
        if (found.tags, found.description, found.status) != (tags, description, "READY"):
            raise StepError(
                f"version {version} of {model_name} does not read back as it was written; removed"
            )
        return found
    except BaseException as error:
        with closing(error):
            remove_versions(client, model_name, tags["package_run_id"])
        raise


def _create_model(client: MlflowClient, model_name: str, run_id: str) -> None:
    try:
        client.create_registered_model(model_name, tags={"created_by_run": run_id})
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
            raise


def versions_of(client: MlflowClient, model_name: str) -> list[ModelVersion]:
    """List every version of a model, without their aliases; none where there is no such model."""
    found: list[ModelVersion] = []
    token = None
    while token != "":
        page = client.search_model_versions(_named(model_name), page_token=token)
        found += page
        token = page.token or ""
    return found


def remove_versions(client: MlflowClient, model_name: str, package_run_id: str) -> list[str]:
    """Remove the versions of a package run that no alias points to, and the model if then empty.

    Returns
    -------
    list of str
        Their numbers.
    """
    removed = []
    for version in versions_of(client, model_name):
        if version.tags.get("package_run_id") != package_run_id:
            continue
        # a search does not tell the aliases
        if not client.get_model_version(model_name, version.version).aliases:
            client.delete_model_version(model_name, version.version)
            removed.append(version.version)
    with suppress(MlflowException):  # there may be no such model
        model = client.get_registered_model(model_name)
        mine = model.tags.get("created_by_run") == package_run_id
        if mine and not versions_of(client, model_name):
            client.delete_registered_model(model_name)
    return removed


def remove_logged_models(client: MlflowClient, run: Run, *, half_logged: bool = False) -> None:
    """Delete the logged models of a run, unless a version holds them.

    Parameters
    ----------
    client : MlflowClient
    run : Run
    half_logged : bool
        Only those that were not logged to their end: the checkpoints of a training stay.
    """
    run_id = run.info.run_id
    if client.search_model_versions(f"tags.package_run_id = '{run_id}'", max_results=1):
        return
    for model in client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run_id}'"
    ):
        if not half_logged or model.status != "READY":
            client.delete_logged_model(model.model_id)
