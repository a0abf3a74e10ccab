"""Facts of a model: the runs of the happy path, and what ``steps.facts`` makes of others."""

import base64
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
AWKWARD = "<script>alert('x|y')</script> `a` _b_"
CONTRACT: dict[str, Any] = {
    "target": "churn",
    "classes": ["no", "yes"],
    "class_counts": [700, 300],
    "features": [
        {"name": "age", "kind": "numeric", "type": "double", "null_rate": 0.1, "center": 41.0},
        {"name": "city", "kind": "categorical", "type": "string", "null_rate": 0.0,
         "categories": {"Oslo": 0, "Bergen": 1}},
        {"name": "joined", "kind": "datetime", "type": "string", "null_rate": 0.1,
         "maximum": "2024-01-01T00:00:00+00:00"},
        {"name": "member", "kind": "boolean", "type": "string", "null_rate": 0.1},
        {"name": "note", "kind": "text", "type": "string", "null_rate": 0.1},
    ],
}  # fmt: skip


def happy_runs(client: MlflowClient) -> dict[str, Run]:
    """The runs of the first command of the README, by step; later ones stand beside them."""
    main = client.search_runs(["0"], "tags.step = 'main'", order_by=["start_time ASC"])[0]
    nested = client.search_runs(["0"], f"tags.mlflow.parentRunId = '{main.info.run_id}'")
    return {run.data.tags["step"]: run for run in [main, *nested]}


def nothing(**changes: Any) -> dict[str, Any]:
    """The facts of runs that hold nothing, but for some."""
    texts = ["target", "classifier", "model_type", "data", "data_sha256", "split_sha256", "author",
             "python", "platform", "git_commit", "git_branch", "metric", "champion", "remark",
             "forced_because", "reproduce"]  # fmt: skip
    lists = ["reasons", "checks", "classes", "warnings", "metrics", "per_class", "slices",
             "importances", "thresholds", "limits"]  # fmt: skip
    maps = ["params", "features", "model_summary", "dropped", "figures", "plots", "proof", "use",
            "use_briefly"]  # fmt: skip
    model = dict.fromkeys(
        ["name", "alias", "version", "format", "format_reason", "signed_by", "wheels_for"], ""
    )
    run = {"step": "train", "id": "0" * 32, "name": "train", "started": "2025-01-01 00:00 UTC"}
    return {
        **dict.fromkeys(texts, ""), **{name: [] for name in lists}, **{name: {} for name in maps},
        "verdict": "NOT EVALUATED", "git_dirty": False, "training_rows": 0, "held_out_rows": None,
        "fit_seconds": None, "decision_threshold": None, "model": model,
        "runs": [run | {"seconds": None}],
    } | changes  # fmt: skip


def metric(name: str, value: float, **further: float | None) -> dict[str, Any]:
    """A row of the table of metrics."""
    ends = {"low": value - 0.01, "high": value + 0.01, "baseline": 0.5, "champion": None}
    return {"metric": name, "value": value} | ends | further


def everything(name: str = "age", label: str = "yes", n: int = 40) -> dict[str, Any]:
    """The facts of runs that hold all there can be, n columns and n classes among them.

    The name is a column's and the file's, the label a class's.
    """
    names = [f"{name} {place}" for place in range(n)]
    labels = [f"{label} {place}" for place in range(n)]
    return nothing(
        target=name, classifier="random_forest", data=f"/data/{name}.csv", metric="roc_auc",
        data_sha256="a" * 64, split_sha256="b" * 64, git_commit="c" * 40, git_dirty=True,
        author="Ada", python="3.11.7", platform="Linux", training_rows=1000, held_out_rows=250,
        fit_seconds=1.25, verdict="REJECTED", reasons=[f"f1>0.9 not reached: in {name}"],
        checks=[{"condition": "f1>0.9", "passed": False, "found": f"f1 is 0.8 where {name}"}],
        champion="3", remark=f"champion knows no {name}", params={"data": name, "max_depth": "3"},
        classes=[{"label": text, "rows": 25, "share": 0.025} for text in labels],
        features={"numeric": names}, model_summary={"trees": 100},
        metrics=[metric("roc_auc", 0.9, champion=0.85), metric("log_loss", 1.5)],
        per_class=[
            {"class": text, "precision": 0.5, "recall": 0.5, "f1": 0.5, "roc_auc": None, "rows": 6}
            for text in labels
        ],
        slices=[{"slice": f"{text} = 1", "rows": 30, "roc_auc": 0.6} for text in names],
        importances=[{"feature": text, "importance": 0.1, "deviation": 0.01} for text in names],
        thresholds=[
            {"threshold": i / 100, "precision": 0.5, "recall": 0.5, "f1": 0.5, "positives": 0.25}
            for i in range(1, 100)
        ],
        warnings=[f"leakage: {text}" for text in names], dropped={name: "constant"},
        plots={"roc_curve": PIXEL, "confusion_matrix": PIXEL, "a plot of mine": PIXEL},
        limits=[f"no test on {text}" for text in names],
        model={"name": "churn", "alias": "champion", "version": "4", "format": "pickle",
               "format_reason": f"no conversion of {name}", "signed_by": "", "wheels_for": ""},
        proof={"rows": 250, "verify_env": "uv", "python": "3.11.7", "max_difference": 1e-7,
               "environment_sha256": "d" * 64},
        use={"pandas": f"model.predict({names})"},
        use_briefly={"pandas": "model.predict(model.input_example)", "HTTP": "curl"},
        reproduce=f"mlflow run . -P drop='{','.join(names)}'",
    )  # fmt: skip
