"""The facts of a model, read from its runs: what the report and the model card tell."""

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any

from mlflow.entities import Run

from steps.cache import original
from steps.limits import limits
from steps.metrics import LOSSES, METRICS
from steps.outage import without_password
from steps.reading import read_artifacts
from steps.recipes import reproduction, usage

ARTIFACTS = {
    "train": ("data_warnings.json", "model_summary.json", "training/contract.json", "plots"),
    "evaluate": (
        "verdict.json", "metrics.json", "per_class.json", "slices.json", "importances.json",
        "thresholds.json", "plots",
    ),
    "package": ("proof.json",),
}  # fmt: skip


def facts_of(train_run: Run, evaluation: Run | None, packaged: Run | None = None) -> dict[str, Any]:
    """Collect what is known of a model from its runs and their artifacts.

    Parameters
    ----------
    train_run : Run
    evaluation : Run or None
        None where ``force`` stands in for one.
    packaged : Run, optional
        One that is still at work will do: its ``model_name`` and ``alias`` count from the start.

    Returns
    -------
    dict
        All but ``plots`` (PNG files by name, as bytes) is JSON-ready. What no run holds is empty.
    """
    given = {"train": train_run, "evaluate": evaluation, "package": packaged}
    runs = {step: original(run) for step, run in given.items() if run}
    files = {step: read_artifacts(run, ARTIFACTS[step]) for step, run in runs.items()}
    plots = {
        PurePath(path).stem: content
        for found in files.values()
        for path, content in found.items()
        if path.endswith(".png")
    }
    logged = {
        PurePath(path).stem: json.loads(content)
        for found in files.values()
        for path, content in found.items()
        if path.endswith(".json")
    }
    contract = logged.get("contract", {})
    facts = {
        **_origin(runs),
        **_trained(runs["train"], contract, logged),
        **_judged(runs, logged),
        **_registered(runs),
        "plots": plots,
        "proof": logged.get("proof", {}),
        "reproduce": reproduction(runs),
    }
    name, alias = facts["model"]["name"], facts["model"]["alias"]
    facts["use"] = usage(name, alias, contract)
    facts["use_briefly"] = usage(name, alias, contract, brief=True)
    facts["limits"] = limits(facts, contract)
    return facts


def _origin(runs: Mapping[str, Run]) -> dict[str, Any]:
    """Tell who ran what, when, and on which code."""
    tags = runs["train"].data.tags
    return {
        "author": tags.get("author") or tags.get("mlflow.user", ""),
        "python": tags.get("python", ""),
        "platform": tags.get("platform", ""),
        "git_commit": tags.get("git_commit") or tags.get("mlflow.source.git.commit", ""),
        "git_branch": tags.get("git_branch") or tags.get("mlflow.source.git.branch", ""),
        "git_dirty": tags.get("git_dirty", "") == "true",
        "runs": [_described(step, run) for step, run in runs.items()],
    }


def _described(step: str, run: Run) -> dict[str, Any]:
    start, end = run.info.start_time, run.info.end_time
    return {
        "step": step,
        "id": run.info.run_id,
        "name": run.info.run_name,
        "started": f"{datetime.fromtimestamp(start / 1000, timezone.utc):%Y-%m-%d %H:%M UTC}",
        "seconds": (end - start) / 1000 if end else None,
    }


def _trained(run: Run, contract: dict[str, Any], logged: dict[str, Any]) -> dict[str, Any]:
    params = {name: without_password(value) for name, value in run.data.params.items()}
    tags = run.data.tags
    counts = contract.get("class_counts", [])
    features: dict[str, list[str]] = {}
    for feature in contract.get("features", []):
        features.setdefault(feature["kind"], []).append(feature["name"])
    noted = logged.get("data_warnings", {})
    return {
        "target": params.get("target", ""),
        "classifier": params.get("classifier", ""),
        "model_type": tags.get("model_type", ""),
        "data": params.get("data", ""),
        "data_sha256": tags.get("data_sha256", ""),
        "split_sha256": tags.get("split_sha256", ""),
        "params": params,
        "fit_seconds": run.data.metrics.get("fit_seconds"),
        "training_rows": sum(counts),
        "classes": [
            {"label": str(label), "rows": rows, "share": rows / sum(counts)}
            for label, rows in zip(contract.get("classes", []), counts, strict=True)
        ],
        "features": features,
        "decision_threshold": contract.get("threshold"),
        "model_summary": logged.get("model_summary", {}),
        # what was dropped stands there by itself
        "warnings": [w for w in noted.get("warnings", []) if not w.startswith("dropped ")],
        "dropped": noted.get("dropped", {}),
    }


def _judged(runs: Mapping[str, Run], logged: dict[str, Any]) -> dict[str, Any]:
    verdict = logged.get("verdict", {})
    measured = runs["evaluate"].data.metrics if "evaluate" in runs else {}
    per_class = _records(logged, "per_class")
    metric = verdict.get("metric", "")
    return {
        "verdict": verdict.get("verdict", "NOT EVALUATED"),
        "reasons": verdict.get("reasons", []),
        "checks": verdict.get("checks", []),
        "metric": metric,
        "figures": verdict.get("figures", {}),
        "champion": verdict.get("champion", ""),
        "remark": verdict.get("remark", ""),
        "held_out_rows": sum(row["rows"] for row in per_class) or None,
        # an evaluation of before the table has its figures all the same
        "metrics": _records(logged, "metrics")
        or [
            {"metric": name, "value": measured[name]}
            | {end: measured.get(f"{name}_{end}") for end in ("low", "high")}
            for name in METRICS
            if name in measured
        ],
        "per_class": per_class,
        "slices": _worst_first(_records(logged, "slices"), metric),
        "importances": _records(logged, "importances"),
        "thresholds": _records(logged, "thresholds"),
    }


def _records(logged: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Read a table as MLflow logs it."""
    table = logged.get(name, {"columns": [], "data": []})
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def _worst_first(slices: list[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    defined = [row for row in slices if row.get(metric) is not None]
    return sorted(defined, key=lambda row: row[metric], reverse=metric in LOSSES)


def _registered(runs: Mapping[str, Run]) -> dict[str, Any]:
    """Name the registered model; its version where there is one by now."""
    last = runs.get("package") or runs.get("evaluate")
    params = last.data.params if last else {}
    tags = runs["package"].data.tags if "package" in runs else {}
    found = {
        "name": params.get("model_name", ""),
        "alias": params.get("alias", ""),
        "version": tags.get("model_version", ""),
        "format": tags.get("pipeline_format", ""),
        "format_reason": tags.get("pipeline_format_reason", ""),
        "signed_by": tags.get("signed_by", ""),
        "wheels_for": tags.get("wheels_for", ""),
    }
    forced = {"verdict": "FORCED"} if tags.get("verdict") == "FORCED" else {}
    return {"model": found, "forced_because": tags.get("forced_because", "")} | forced
