"""evaluate: score the held-out rows, draw the plots, judge gates, baseline and champion."""

import json
import sys
from collections.abc import Callable
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Run

from steps import console
from steps.bootstrap import Scored, intervals
from steps.cache import KEY, key_of, reuse, told
from steps.clock import Clock
from steps.errors import StepError
from steps.evaluation_record import Evaluation, log_evaluation
from steps.gates import WORST_SLICE, Check, Gate, check_metric, parse_gates, verdict_of
from steps.judgement import (
    CHAMPION_ERRORS,
    Rivals,
    champion_checks,
    compare,
    gate_checks,
    score,
)
from steps.names import name_run
from steps.parameters import convert, one_of
from steps.pipeline_record import log_report
from steps.registry import check_names, find_rival
from steps.runs import find_train_run, launch, step_run
from steps.slices import measure_slices
from steps.storage import Training, load_training

# what package needs to judge again, should the champion change meanwhile
JUDGED_WITH = ("model_name", "alias", "metric", "max_regression", "champion_error")


class RejectedError(StepError):
    """The model was judged, and did not reach what it should."""

    def __init__(self, reason: str, run_id: str) -> None:
        super().__init__(reason)
        self.run_id = run_id


def check_parameters(params: dict[str, Any]) -> list[Gate]:
    """Refuse what cannot be judged before anything is scored; returns the gates."""
    check_metric(params["metric"])
    check_names(params["model_name"], params["alias"])
    one_of("champion_error", params["champion_error"], CHAMPION_ERRORS)
    if not params["max_regression"] >= 0:
        raise StepError(f"max_regression: expected 0 or more, got {params['max_regression']}")
    return parse_gates(params["gates"])


def slices_of(
    training: Training, labels: np.ndarray, scored: Scored, gates: list[Gate], metric: str
) -> pd.DataFrame:
    """Measure the slices, by the metric of choice and those that a gate names."""
    gated = [gate.metric for gate in gates]
    named = [name.removeprefix(WORST_SLICE) for name in gated if name.startswith(WORST_SLICE)]
    metrics = list(dict.fromkeys([metric, *named]))
    return measure_slices(training.matrix, training.contract, labels, scored, metrics)


def log_verdict(checks: list[Check], rivals: Rivals, params: dict[str, Any]) -> dict[str, Any]:
    """Log the verdict to the active run: tags, ``verdict.json`` and the table ``checks.json``."""
    verdict = verdict_of(checks) | {
        "metric": rivals.metric,
        "figures": rivals.figures(),
        "champion": rivals.version,
        "remark": rivals.remark,
    }
    mlflow.log_dict(verdict, "verdict.json")
    if checks:
        columns = {name: [getattr(check, name) for check in checks] for name in Check._fields}
        mlflow.log_table(columns, "checks.json")
    mlflow.set_tags(
        {
            "verdict": verdict["verdict"],
            "verdict_reasons": "; ".join(verdict["reasons"]),
            "mlflow.note.content": _described(verdict),
            "judgement": json.dumps(
                {name: params[name] for name in JUDGED_WITH} | {"champion_version": rivals.version}
            ),
        }
    )
    return verdict


def _described(verdict: dict[str, Any]) -> str:
    conditions = ", ".join(check["condition"] for check in verdict["checks"]) or "no gates"
    return " ".join([f"{verdict['verdict']} by {conditions}.", *verdict["reasons"]])


def still_judged(params: dict[str, Any], train_run: Run) -> Callable[[Run], bool]:
    """Tell of an evaluation whether the champion that it judged against still stands."""

    def still_good(evaluation: Run) -> bool:
        champion = find_rival(params["model_name"], params["alias"])
        judged = json.loads(evaluation.data.tags["judgement"])["champion_version"]
        if champion is None:
            return judged == ""
        itself = champion.tags.get("train_run_id") == train_run.info.run_id
        return itself or judged == str(champion.version)

    return still_good


def run(declared: dict[str, str], further: dict[str, str], fresh: bool = True) -> str:
    """Run the step; returns the id of its run, or of the finished one that it would repeat."""
    with step_run("evaluate", declared) as active:
        params = convert("evaluate", declared, further)
        gates = check_parameters(params)
        train_run = find_train_run(params["run_id"])
        name_run(active, train_run.data.params)
        mlflow.set_tag("train_run_id", train_run.info.run_id)
        key = key_of("evaluate", params=params | {"run_id": train_run.info.run_id})
        done = None if fresh else reuse(active, key, still_judged(params, train_run))
        if done:
            console.table("evaluate", told(done))
            return done.info.run_id
        mlflow.set_tag(KEY, key)
        clock = Clock()
        with clock.stage("load", "loading the training"):
            training = load_training(train_run.info.run_id)
        with clock.stage("score", "scoring the held-out rows"):
            labels, scored = score(training)
            measured = intervals(labels, scored)
            slices = slices_of(training, labels, scored, gates, params["metric"])
            rivals = compare(training, train_run, labels, scored, params)
        with clock.stage("record", "logging"):
            found = Evaluation(training, train_run, labels, scored, measured, rivals, slices)
            log_evaluation(active, found)
        clock.log()
        if rivals.remark:
            console.warn(rivals.remark)
        figures = {name: figure.value for name, figure in measured.items()}
        checks = gate_checks(gates, figures, slices, rivals)
        checks += champion_checks(rivals, params["max_regression"])
        verdict = log_verdict(checks, rivals, params)
        log_report(train_run, active)
        judged = ", ".join(check.condition for check in checks) or "no gates"
        rows = {"rows": len(labels), **figures, **rivals.lines()}
        rows["verdict"] = f"{verdict['verdict']} ({judged})"
        console.table("evaluate", rows | {"run": active.info.run_id})
        if verdict["reasons"]:
            reasons = "; ".join(verdict["reasons"])
            raise RejectedError(f"gate {reasons}; nothing is registered", active.info.run_id)
        return active.info.run_id


if __name__ == "__main__":
    sys.exit(launch("evaluate", run))
