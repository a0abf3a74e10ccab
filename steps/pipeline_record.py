"""The record of a whole pipeline, on the run that holds its steps: what a person opens first."""

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run

from steps import report
from steps.facts import facts_of
from steps.metrics import METRICS

SHOWN = ("data_sha256", "split_sha256", "model_type", "verdict", "verdict_reasons", "model_version")


def log_pipeline(train_run_id: str, evaluate_run_id: str, package_run_id: str = "") -> None:
    """Log to the active run what its steps came to: figures, verdict, version and links.

    Parameters
    ----------
    train_run_id, evaluate_run_id : str
    package_run_id : str
        Empty where nothing was packaged.
    """
    client = MlflowClient()
    ids = {"train": train_run_id, "evaluate": evaluate_run_id, "package": package_run_id}
    runs = {step: client.get_run(run_id) for step, run_id in ids.items() if run_id}
    tags = {f"{step}_run_id": run.info.run_id for step, run in runs.items()}
    for run in runs.values():
        tags |= {name: run.data.tags[name] for name in SHOWN if name in run.data.tags}
    found = runs["evaluate"].data.metrics
    mlflow.log_metrics({name: found[name] for name in METRICS if name in found})
    log_report(runs["train"], runs["evaluate"], runs.get("package"))
    tags["mlflow.note.content"] = runs["train"].data.tags["mlflow.note.content"]
    mlflow.set_tags(tags)


def log_report(train_run: Run, evaluation: Run, packaged: Run | None = None) -> None:
    """Log ``report.html`` to the active run.

    Parameters
    ----------
    train_run, evaluation : Run
    packaged : Run, optional
    """
    found = mlflow.get_run(evaluation.info.run_id)  # what it logged since it began counts too
    mlflow.log_text(report.render(facts_of(train_run, found, packaged)), "report.html")
