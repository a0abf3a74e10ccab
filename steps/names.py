"""Names of runs that a person can tell apart."""

import mlflow
from mlflow.entities import Run
from mlflow.utils import name_utils

from steps.inputs import file_name

SHOWN = 6  # characters of a run's id, as in the tables on the console
LONGEST = 60


def name_run(run: Run, params: dict[str, str]) -> None:
    """Name the active run by its step, classifier, data and target, and the start of its id.

    A name that a person gave to ``mlflow run`` stays; one that MLflow made up does not.

    Parameters
    ----------
    run : Run
        The active one, which has the tag ``step``.
    params : dict of str to str
        ``classifier``, ``data`` and ``target``.
    """
    step = mlflow.get_run(run.info.run_id).data.tags["step"]
    if run.info.run_name == step or _is_made_up(run.info.run_name or ""):
        about = f"{params['classifier']} {file_name(params['data'])}:{params['target']}"
        name = f"{step} {about}"[:LONGEST]
        mlflow.set_tag("mlflow.runName", f"{name} {run.info.run_id[:SHOWN]}")


def _is_made_up(name: str) -> bool:
    predicate, _, rest = name.partition("-")
    noun, _, number = rest.partition("-")
    known = predicate in name_utils._GENERATOR_PREDICATES and noun in name_utils._GENERATOR_NOUNS
    return known and number.isdecimal()
