"""Aliases and what they tell of a version: who moved which one, from where, to where and why."""

import getpass
import json
import os
from datetime import UTC, datetime
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps.registry import find_alias, retried
from steps.signals import undivided

CHALLENGER = "challenger"
AUDIT = "audit."
STAGES = {"challenger": "Staging", "previous": "Archived"}  # of any other alias: Production
DEPLOYMENT = "deployment_status"
DEPLOYMENTS = ("none", "requested", "deployed", "failed", "retired")


def previous_alias(alias: str) -> str:
    """Name the alias that remembers where another one was before.

    Examples
    --------
    >>> previous_alias("champion"), previous_alias("production")
    ('previous', 'previous-production')
    """
    return "previous" if alias == "champion" else f"previous-{alias}"


def who() -> str:
    """Name the person, or the account, at work."""
    try:
        return os.environ.get("MLFLOW_TRACKING_USERNAME") or getpass.getuser()
    except (KeyError, OSError):  # a container without a user entry
        return "unknown"


def move_alias(version: ModelVersion, alias: str, why: str, run_id: str) -> str:
    """Move an alias to a version, remember where it was, and write both into the audit trail.

    Parameters
    ----------
    version : ModelVersion
    alias : str
    why : str
    run_id : str
        Of the run that moves it.

    Returns
    -------
    str
        The version that it pointed to before; empty for none.

    Notes
    -----
    The order is: audit entry, ``previous``, stages, and the alias itself last. What is left of a
    move when its process is killed is undone by the next start (``undo_move``).
    """
    client, name = MlflowClient(), version.name
    current = find_alias(name, alias)
    before = str(current.version) if current else ""
    remembered = find_alias(name, previous_alias(alias))
    entry = {
        "who": who(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "alias": alias,
        "from": before,
        "to": str(version.version),
        "why": why,
        "run_id": run_id,
        "previous": str(remembered.version) if remembered else "",
    }
    with undivided():
        _write(client, name, entry)
        if before not in ("", str(version.version)) and alias != CHALLENGER:
            retried(lambda: client.set_registered_model_alias(name, previous_alias(alias), before))
            set_tag(client, name, before, "lifecycle_stage", "Archived")
        stage = STAGES.get(alias, "Production")
        set_tag(client, name, version.version, "lifecycle_stage", stage)
        if CHALLENGER in version.aliases and alias != CHALLENGER:
            retried(lambda: client.delete_registered_model_alias(name, CHALLENGER))
        retried(lambda: client.set_registered_model_alias(name, alias, version.version))
    return before


def _write(client: MlflowClient, name: str, entry: dict[str, Any]) -> None:
    # one tag an entry: two processes never overwrite each other's
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    key = f"{AUDIT}{stamp}.{entry['alias']}.{entry['to']}"
    retried(lambda: client.set_registered_model_tag(name, key, json.dumps(entry)))


def set_tag(client: MlflowClient, name: str, version: str, key: str, value: str) -> None:
    """Set a tag of a version."""
    retried(lambda: client.set_model_version_tag(name, version, key, value))


def audit_trail(model_name: str) -> list[dict[str, str]]:
    """Read the audit trail of a model, oldest entry first.

    Returns
    -------
    list of dict
        Each ``who``, ``when``, ``alias``, ``from``, ``to``, ``why``, ``run_id``.
    """
    tags = MlflowClient().get_registered_model(model_name).tags
    return [json.loads(tags[key]) for key in sorted(tags) if key.startswith(AUDIT)]


def undo_move(client: MlflowClient, model_name: str, run_id: str) -> None:
    """Take back the beginnings of a move whose process was killed before the alias moved."""
    try:
        tags = client.get_registered_model(model_name).tags
    except MlflowException:  # its only version was removed, and the model with it
        return
    trail = [(k, json.loads(tags[k])) for k in sorted(tags) if k.startswith(AUDIT)]
    for place, (key, entry) in enumerate(trail):
        if entry["run_id"] != run_id:
            continue
        later = [other for _, other in trail[place + 1 :] if other["alias"] == entry["alias"]]
        if _reached(model_name, entry, later):
            continue
        if not later:  # a later move has set all of it anew
            _take_back(client, model_name, entry)
        client.delete_registered_model_tag(model_name, key)


def _reached(model_name: str, entry: dict[str, str], later: list[dict[str, str]]) -> bool:
    if later:
        return later[0]["from"] == entry["to"]
    current = find_alias(model_name, entry["alias"])
    return current is not None and str(current.version) == entry["to"]


def _take_back(client: MlflowClient, model_name: str, entry: dict[str, str]) -> None:
    alias = previous_alias(entry["alias"])
    if entry["previous"]:
        client.set_registered_model_alias(model_name, alias, entry["previous"])
    else:
        client.delete_registered_model_alias(model_name, alias)
    if entry["from"]:
        stage = STAGES.get(entry["alias"], "Production")
        set_tag(client, model_name, entry["from"], "lifecycle_stage", stage)
