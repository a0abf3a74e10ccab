"""evaluate: score the held-out rows, draw the plots, judge the gates."""

import sys
import warnings

import mlflow
import numpy as np
from matplotlib.figure import Figure

from custom_model.model import decide
from steps import console
from steps.errors import StepError
from steps.gates import failures, parse_gates
from steps.metrics import measure
from steps.parameters import convert
from steps.plots import draw
from steps.runs import find_train_run, launch, step_run
from steps.storage import Training, load_training
from steps.train import class_indices


def score(training: Training) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score the held-out rows with the fitted pipeline.

    Parameters
    ----------
    training : Training

    Returns
    -------
    labels, predicted : ndarray of shape (n_rows,), int
        Class indices.
    probabilities : ndarray of shape (n_rows, n_classes), float
    """
    probabilities = training.pipeline.predict_proba(training.matrix())
    labels = class_indices(training.labels, training.contract)
    return labels, decide(probabilities, training.contract["threshold"]), probabilities


def log_plots(figures: dict[str, Figure]) -> None:
    """Log figures to the active run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label in a script that the font lacks
        for name, figure in figures.items():
            mlflow.log_figure(figure, f"plots/{name}")


def run(declared: dict[str, str], further: dict[str, str]) -> str:
    """Run the step; returns the id of its run."""
    with step_run("evaluate", declared) as active:
        params = convert("evaluate", declared, further)
        gates = parse_gates(params["gates"])
        train_run_id = find_train_run(params["run_id"]).info.run_id
        mlflow.set_tag("train_run_id", train_run_id)
        training = load_training(train_run_id)
        with console.progress("scoring the held-out rows"):
            labels, predicted, probabilities = score(training)
        measured = measure(labels, predicted, probabilities)
        mlflow.log_metrics({k: v for k, v in measured.items() if np.isfinite(v)})
        log_plots(draw(labels, predicted, probabilities, training.contract["classes"]))
        missed = failures(gates, measured)
        verdict = "REJECTED" if missed else "VALIDATED"
        mlflow.set_tags({"verdict": verdict, "gates_missed": "; ".join(missed)})
        judged = ", ".join(map(str, gates)) or "no gates"
        rows = {"rows": len(labels), **measured, "verdict": f"{verdict} ({judged})"}
        console.table("evaluate", rows | {"run": active.info.run_id})
        if missed:
            raise StepError(f"gate {'; '.join(missed)}; nothing is registered")
        return active.info.run_id


if __name__ == "__main__":
    sys.exit(launch("evaluate", run))
