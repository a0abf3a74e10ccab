"""tune: search hyperparameters on the training rows, then train, evaluate and package the best."""

import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import Run

from custom_model.classifiers import build_classifier
from steps import console
from steps.cache import key_of, source_sha256
from steps.errors import StepError, listed
from steps.files import fetched, parse_table
from steps.folds import Folds, training_folds
from steps.main import check_parameters as check_steps
from steps.main import run_steps
from steps.names import name_run
from steps.parameters import convert, one_of
from steps.runs import launch, step_run
from steps.search import Search, resume, run_trials
from steps.spaces import space_of
from steps.study_plots import draw_study
from steps.train import check_parameters as check_training
from steps.trials import BEST, table

if TYPE_CHECKING:
    from optuna.study import Study

ENGINES = ("local", "spark")
DATA = ("target", "drop", "kinds", "classifier", "test_size", "seed", "metric")


def check_parameters(params: dict[str, Any], fixed: dict[str, str]) -> None:
    """Refuse what cannot work before any data is read."""
    check_steps(params)
    one_of("engine", params["engine"], ENGINES)
    if params["trials"] < 1:
        raise StepError(f"trials: expected 1 or more, got {params['trials']}")
    if not 0 <= params["timeout"] < math.inf:
        raise StepError(f"timeout: expected seconds, or 0 for none, got {params['timeout']}")
    if params["seed"] < 0:
        raise StepError(f"seed: expected 0 or more, got {params['seed']}")
    check_training(params, fixed)
    if params["engine"] == "spark":
        from steps.spark_session import check_spark

        check_spark()


def study_key(params: dict[str, Any], fixed: dict[str, str], space: Any, data: str) -> str:
    """Name a study by all that its trials depend on; not by how many there are to be."""
    return key_of(
        "search",
        params={name: params[name] for name in DATA} | {"data_sha256": data},
        hyperparameters=fixed,
        space={name: repr(values) for name, values in space.items()},
        classifier_sha256=source_sha256(build_classifier(params["classifier"], **fixed)),
    )


def read_folds(params: dict[str, Any]) -> tuple[Folds, str]:
    """Read the data: the folds of its training rows, and the SHA-256 of the file."""
    with console.progress(f"reading {params['data']}"), fetched(params["data"]) as file:
        return training_folds(parse_table(file), params), file.sha256


def search_for(params: dict[str, Any], fixed: dict[str, str], data_sha256: str) -> Search:
    """Collect what is searched."""
    space, start = space_of(params["classifier"], params["space"], fixed)
    key = study_key(params, fixed, space, data_sha256)
    return Search(key, params["classifier"], fixed, space, start, params["metric"], params["seed"])


def log_study(study: "Study", search: Search, seconds: float) -> dict[str, str]:
    """Log a study to the active run; returns the best hyperparameters, as after ``-P``.

    Raises
    ------
    StepError
        When no trial gave a score.
    """
    counts = {state: 0 for state in ("COMPLETE", "PRUNED", "FAIL")}
    for trial in study.trials:
        counts[trial.state.name] = counts.get(trial.state.name, 0) + 1
    names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    mlflow.log_metrics({f"trials_{name}": counts[state] for state, name in names.items()})
    mlflow.log_metric("search_seconds", seconds)
    mlflow.log_dict({"trials": table(study)}, "trials.json")
    if not counts["COMPLETE"]:
        reasons = dict.fromkeys(trial.user_attrs.get("reason", "") for trial in study.trials)
        raise StepError(
            f"tune: none of {len(study.trials)} trials gave a score: {listed(reasons)}; give "
            "another space, or hold what does not suit with -P name=value"
        )
    best = study.best_trial
    found = search.candidate(best.params).hyperparameters
    mlflow.log_dict(found, "best_hyperparameters.json")
    mlflow.log_metric(f"best_{search.metric}", study.best_value)
    mlflow.set_tags(
        {
            BEST: str(best.number),
            "best_trial_run_id": best.user_attrs["run_id"],
            "best_hyperparameters": json.dumps(found),
        }
    )
    for name, figure in draw_study(study, search.metric, search.seed):
        mlflow.log_figure(figure, f"plots/{name}")
    return found


def summary(
    study: "Study", search: Search, folds: Folds, seconds: float, resumed: int
) -> dict[str, Any]:
    """Sum up a search in a few lines."""
    states = [trial.state.name for trial in study.trials]
    remarks = {
        "resumed": resumed,
        "pruned": states.count("PRUNED"),
        "failed": states.count("FAIL"),
    }
    told = ", ".join(f"{count} {what}" for what, count in remarks.items() if count)
    found = search.candidate(study.best_params).hyperparameters
    return {
        "classifier": search.classifier,
        "trials": f"{len(states)}{f' ({told})' if told else ''}, {seconds:.1f} s",
        "rows": f"{len(folds.indices)} training, in {len(folds.parts)} folds",
        search.metric: f"{study.best_value:.4f} (trial {study.best_trial.number})",
        **{name: _short(value) for name, value in found.items()},
    }


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}" if "." in value else value
    except ValueError:
        return value


def run(declared: dict[str, str], hyperparameters: dict[str, str]) -> str:
    """Run the search and the three steps; returns the registered version."""
    with step_run("tune", declared | hyperparameters) as active:
        params = convert("tune", declared)
        name_run(active, params)
        check_parameters(params, hyperparameters)
        space_of(params["classifier"], params["space"], hyperparameters)
        folds, data_sha256 = read_folds(params)
        search = search_for(params, hyperparameters, data_sha256)
        mlflow.set_tags(
            {"data_sha256": data_sha256, "split_sha256": folds.split_sha256, "study": search.key}
        )
        start = time.perf_counter()
        study, resumed = _searched(search, folds, params, active)
        seconds = time.perf_counter() - start
        best = log_study(study, search, seconds)
        lines = summary(study, search, folds, seconds, resumed)
        console.table("tune", lines | {"run": active.info.run_id})
        # the refit starts afresh: no checkpoint has these hyperparameters
        return run_steps(declared | {"resume_from": ""}, best, params)


def _searched(
    search: Search, folds: Folds, params: dict[str, Any], active: Run
) -> tuple["Study", int]:
    """Run the trials that are left; returns the study and how many it had already."""
    limits = params["trials"], params["timeout"]
    if params["engine"] == "spark":
        from steps.spark_search import search_on_spark

        return search_on_spark(search, folds, *limits, active)
    study = resume(search, active, 0 if params["fresh"] else params["trials"])
    resumed = sum(trial.state.is_finished() for trial in study.trials)
    return run_trials(study, search, folds, *limits), resumed


if __name__ == "__main__":
    sys.exit(launch("tune", run))
