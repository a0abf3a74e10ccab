"""main: train, evaluate and package, three runs nested in one, in one process."""

import sys
from typing import Any

from steps import evaluate, package, train
from steps.names import name_run
from steps.parameters import convert, parameters_of
from steps.pipeline_record import log_pipeline
from steps.registry import find_version
from steps.runs import launch, step_run


def run(declared: dict[str, str], hyperparameters: dict[str, str]) -> str:
    """Run the three steps; returns the registered version."""
    with step_run("main", declared | hyperparameters) as active:
        params = convert("main", declared)
        name_run(active, params)
        check_parameters(params)
        return run_steps(declared, hyperparameters, params)


def check_parameters(params: dict[str, Any]) -> None:
    """Refuse what would fail only after the fit."""
    evaluate.check_parameters(params)
    package.check_parameters(params)


def run_steps(
    declared: dict[str, str], hyperparameters: dict[str, str], params: dict[str, Any]
) -> str:
    """Train, evaluate and package in runs nested in the active one.

    Parameters
    ----------
    declared : dict of str to str
        The parameters of the three steps, and perhaps others.
    hyperparameters : dict of str to str
    params : dict
        The same parameters, converted.

    Returns
    -------
    str
        The registered version.
    """
    fresh = params["fresh"]
    trained = train.run(_of("train", declared), hyperparameters, fresh)
    found = declared | {"run_id": trained}
    try:
        judged = evaluate.run(_of("evaluate", found), {}, fresh)
    except evaluate.RejectedError as error:
        log_pipeline(trained, error.run_id)
        if not params["force"]:
            raise
        judged = error.run_id
    version = package.run(_of("package", found), {}, fresh, judged)
    registered = find_version(params["model_name"], version)
    log_pipeline(trained, judged, registered.tags["package_run_id"])
    return version


def _of(entry_point: str, declared: dict[str, str]) -> dict[str, str]:
    return {name: declared[name] for name in parameters_of(entry_point)}


if __name__ == "__main__":
    sys.exit(launch("main", run))
