"""reproduce: do a past training again, and tell whether its answers are the same, or why not."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient

from steps import console, provenance
from steps.checkout import check_out, is_whole
from steps.clock import Clock
from steps.differences import UNEXPLAINED, Answers, compare_answers, differences
from steps.errors import StepError, listed
from steps.names import name_run
from steps.parameters import convert, one_of
from steps.recorded import Recorded, find_training, read_record
from steps.recorded_data import find_data
from steps.recreation import ENVIRONMENTS, make_python, train_again
from steps.runs import launch, step_run

LOG = "reproduction.log"


def recreate(recorded: Recorded, params: dict[str, Any], folder: Path, clock: Clock) -> Recorded:
    """Do a training again; everything that this takes lies in a folder.

    Parameters
    ----------
    recorded : Recorded
    params : dict
        ``data_now`` and ``environment``.
    folder : Path
    clock : Clock

    Returns
    -------
    Recorded
    """
    with clock.stage("code", "checking out"):
        project = check_out(recorded, folder / "checkout")
    with clock.stage("data", "finding the data"):
        data = find_data(recorded, project, params["data_now"], folder)
    with clock.stage("environment", "making the environment"):
        python = make_python(recorded, params["environment"], folder / "environment")
    log = folder / LOG
    try:
        with clock.stage("training", ""):
            again = train_again(recorded, project, data, python, log)
    finally:
        if log.exists():
            mlflow.log_artifact(str(log))
    mlflow.log_artifact(str(again.answers))
    return again


def remarks(recorded: Recorded) -> list[str]:
    """Say what of a run is not done again as it was."""
    tags, here, found = recorded.tags, provenance.tags(), []
    if not is_whole(recorded):
        found.append(
            "its uncommitted changes were not kept as a whole: its scripts are as they were, its "
            "other files as in the commit"
        )
    if "resumed_from" in tags:
        found.append("it went on from a checkpoint, and is done again from its first epoch")
    if recorded.evaluation.data.tags.get("git_commit") != tags.get("git_commit"):
        found.append("it was evaluated by the code of another commit")
    if _machine(tags) != _machine(here):
        found.append(
            f"it was made on {_told(tags)}, this is {_told(here)}: the last bits of a probability "
            "may differ"
        )
    return found


def _told(tags: dict[str, str]) -> str:
    return f"{tags['platform']} ({tags['cpu']})"


def _machine(tags: dict[str, str]) -> tuple[str, str]:
    """Name the system and the processor; not its cores, and no version."""
    return tags["platform"].partition("-")[0], tags["cpu"].partition(" x ")[2]


def log_reproduction(recorded: Recorded, answers: Answers, differing: list[str]) -> str:
    """Log what came of it to the active run; returns the verdict."""
    verdict = "IDENTICAL" if answers.identical else "DIFFERENT"
    origin = {
        "train_run_id": recorded.run_id,
        "evaluate_run_id": recorded.evaluation.info.run_id,
    }
    found = {"verdict": verdict, **origin, "predictions": answers._asdict()}
    mlflow.log_dict(found | {"differences": differing}, "reproduction.json")
    mlflow.log_metrics(
        {name: float(getattr(answers, name)) for name in Answers._fields if name != "same_rows"}
    )
    reasons = "" if answers.identical else listed(differing or [UNEXPLAINED])
    note = f"Run {recorded.run_id} done again: {answers.told()}."
    mlflow.set_tags(
        origin | {"verdict": verdict, "verdict_reasons": reasons, "mlflow.note.content": note}
    )
    return verdict


def summary(
    recorded: Recorded, again: Recorded, answers: Answers, differing: list[str]
) -> dict[str, str]:
    """Sum up in a few lines."""
    tags = recorded.tags
    changes = ", with uncommitted changes" if tags["git_dirty"] == "true" else ""
    return {
        "of": f"{recorded.train_run.info.run_name} ({recorded.run_id})",
        "commit": tags["git_commit"] + changes,
        "data": f"{recorded.train_run.data.params['data']}, SHA-256 {tags['data_sha256']}",
        "environment": f"Python {again.tags['python']}, {len(again.packages)} packages",
        "differs": listed(differing) or "nothing",
        "predictions": answers.told(),
    }


def run(declared: dict[str, str], further: dict[str, str]) -> str:
    """Run the step; returns the id of its run."""
    scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with step_run("reproduce", declared) as active, scratch as name:
        params, folder, clock = convert("reproduce", declared, further), Path(name), Clock()
        one_of("environment", params["environment"], ENVIRONMENTS)
        train_run = find_training(params["run_id"])
        name_run(active, train_run.data.params)
        mlflow.set_tag("train_run_id", train_run.info.run_id)
        recorded = read_record(MlflowClient(), train_run, folder / "recorded")
        noted = remarks(recorded)
        for remark in noted:
            console.warn(f"run {recorded.run_id}: {remark}")
        again = recreate(recorded, params, folder, clock)
        answers = compare_answers(recorded.predictions, again.predictions)
        differing = noted + differences(recorded, again)
        verdict = log_reproduction(recorded, answers, differing)
        clock.log()
        lines = summary(recorded, again, answers, differing)
        console.table("reproduce", lines | {"verdict": verdict, "run": active.info.run_id})
        if not answers.identical:
            raise StepError(
                f"run {recorded.run_id} done again gives other predictions ({answers.told()}); "
                f"what differs: {listed(differing) or UNEXPLAINED}"
            )
        return active.info.run_id


if __name__ == "__main__":
    sys.exit(launch("reproduce", run))
