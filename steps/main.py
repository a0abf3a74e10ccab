"""main: train, evaluate and package, three runs nested in one, in one process."""

import sys

from steps import evaluate, package, train
from steps.names import name_run
from steps.parameters import convert, parameters_of
from steps.runs import launch, step_run


def run(declared: dict[str, str], hyperparameters: dict[str, str]) -> str:
    """Run the three steps; returns the registered version."""
    with step_run("main", declared | hyperparameters) as active:
        params = convert("main", declared)
        name_run(active, params)
        evaluate.check_parameters(params)  # a typo shows before the fit, not after it
        package.check_parameters(params)
        fresh = params["fresh"]
        found = {"run_id": train.run(_of("train", declared), hyperparameters, fresh)}
        try:
            judged = evaluate.run(_of("evaluate", declared | found), {}, fresh)
        except evaluate.RejectedError as error:
            if not params["force"]:
                raise
            judged = error.run_id
        return package.run(_of("package", declared | found), {}, fresh, judged)


def _of(entry_point: str, declared: dict[str, str]) -> dict[str, str]:
    return {name: declared[name] for name in parameters_of(entry_point)}


if __name__ == "__main__":
    sys.exit(launch("main", run))
