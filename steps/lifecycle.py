"""Aliases and what they tell of a version: who moved which one, from where, to where and why."""

import getpass
import json
import os
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from steps.outage import closing
from steps.registry import CHALLENGER, find_alias, retried, versions_of
from steps.signals import undivided

AUDIT = "audit."
STAGES = ("Production", "Staging", "Archived")  # the first that one of its aliases stands for
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
    The order is: audit entry, ``previous``, the alias itself, and the stages that mirror it. What
    fails before the alias has moved is taken back, by the next start if the process was killed.
    """
    client, name = MlflowClient(), version.name
    current = find_alias(name, alias)
    before = str(current.version) if current else ""
    remembered = find_alias(name, previous_alias(alias))
    entry = {
        "who": who(),
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "alias": alias,
        "from": before,
        "to": str(version.version),
        "why": " ".join(why.split()),
        "run_id": run_id,
        "previous": str(remembered.version) if remembered else "",
    }
    try:
        with undivided():
            _write(client, name, entry)
            if before not in ("", str(version.version)) and alias != CHALLENGER:
                _set_alias(client, name, previous_alias(alias), before)
            _set_alias(client, name, alias, version.version)
            settle(client, name, entry)
    except BaseException as error:
        with closing(error), suppress(MlflowException):
            undo_move(client, name, run_id)
        raise
    return before


def settle(client: MlflowClient, name: str, entry: dict[str, str]) -> None:
    """Let the rest follow an alias that has moved: the challenger, and every version's stage."""
    aliases = client.get_registered_model(name).aliases
    if entry["alias"] != CHALLENGER and str(aliases.get(CHALLENGER)) == entry["to"]:
        retried(lambda: client.delete_registered_model_alias(name, CHALLENGER))
        del aliases[CHALLENGER]
    stages: dict[str, set[str]] = {}
    for alias, number in aliases.items():
        stage = "Archived" if alias.startswith("previous") else "Production"
        stages.setdefault(str(number), set()).add("Staging" if alias == CHALLENGER else stage)
    for version in versions_of(client, name):
        own = stages.get(str(version.version), {"Archived"})
        stage = next(stage for stage in STAGES if stage in own)
        known = version.tags.get("lifecycle_stage")
        if known != stage and (known or str(version.version) in stages):
            set_tag(client, name, version.version, "lifecycle_stage", stage)


def _set_alias(client: MlflowClient, name: str, alias: str, version: str) -> None:
    retried(lambda: client.set_registered_model_alias(name, alias, version))


def _write(client: MlflowClient, name: str, entry: dict[str, Any]) -> None:
    # one tag an entry: two processes never overwrite each other's
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
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
    return list(_trail(tags).values())


def _trail(tags: dict[str, str]) -> dict[str, dict[str, str]]:
    """Read the audit entries among a model's tags, oldest first."""
    return {key: json.loads(tags[key]) for key in sorted(tags) if key.startswith(AUDIT)}


def undo_move(client: MlflowClient, model_name: str, run_id: str) -> None:
    """Take back what a move began, or end it where its alias has moved."""
    try:
        tags = client.get_registered_model(model_name).tags
    except MlflowException:  # its only version was removed, and the model with it
        return
    trail = list(_trail(tags).items())
    for place, (key, entry) in enumerate(trail):
        if entry["run_id"] != run_id:
            continue
        later = [other for _, other in trail[place + 1 :] if other["alias"] == entry["alias"]]
        current = find_alias(model_name, entry["alias"])
        now = later[0]["from"] if later else str(current.version) if current else ""
        if now == entry["to"]:
            settle(client, model_name, entry)
        elif now == entry["from"]:
            if not later:  # a later move has set previous anew
                _take_back(client, model_name, entry)
            client.delete_registered_model_tag(model_name, key)


def _take_back(client: MlflowClient, model_name: str, entry: dict[str, str]) -> None:
    alias = previous_alias(entry["alias"])
    if entry["previous"]:
        client.set_registered_model_alias(model_name, alias, entry["previous"])
    else:
        client.delete_registered_model_alias(model_name, alias)
