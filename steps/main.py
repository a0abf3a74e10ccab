"""main: train, evaluate and package, three runs nested in one, in one process."""

import sys

from steps import evaluate, package, train
from steps.gates import parse_gates
from steps.parameters import convert, parameters_of
from steps.runs import launch, step_run


def run(declared: dict[str, str], hyperparameters: dict[str, str]) -> str:
    """Run the three steps; returns the registered version."""
    with step_run("main", declared):
        params = convert("main", declared)
        parse_gates(params["gates"])  # a typo shows before the fit, not after it
        train_run_id = train.run(_of("train", declared), hyperparameters)
        found = {"run_id": train_run_id}
        evaluate.run(_of("evaluate", declared | found), {})
        return package.run(_of("package", declared | found), {})


def _of(entry_point: str, declared: dict[str, str]) -> dict[str, str]:
    return {name: declared[name] for name in parameters_of(entry_point)}


if __name__ == "__main__":
    sys.exit(launch("main", run))
