"""What a past training left behind: all that is needed to do it again, and what came of it."""

import json
from pathlib import Path
from typing import NamedTuple

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.utils.models import get_model_name_and_version
from mlflow.utils.uri import is_local_uri

from steps.errors import StepError
from steps.outage import explain
from steps.runs import find_train_run

PREDICTIONS = "predictions.parquet"
HYPERPARAMETERS = "hyperparameters.json"
PACKAGES = "packages.txt"


class Recorded(NamedTuple):
    """The record of a training and its evaluation."""

    train_run: Run
    evaluation: Run
    hyperparameters: dict[str, str]  # as given
    code: Path  # the scripts, the packages and what no commit holds
    answers: Path  # the predictions of the held-out rows

    @property
    def run_id(self) -> str:
        """Id of the train run."""
        return self.train_run.info.run_id

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the train run."""
        return self.train_run.data.tags

    @property
    def packages(self) -> list[str]:
        """Every package that was installed, as ``name==version``."""
        return (self.code / PACKAGES).read_text(encoding="utf-8").split()

    @property
    def predictions(self) -> pd.DataFrame:
        """Predictions of the held-out rows."""
        return pd.read_parquet(self.answers)


def find_training(run_id: str) -> Run:
    """Find a finished train run, by a run that belongs to one or by a registered version.

    Parameters
    ----------
    run_id : str
        As for ``find_train_run``, or a URI such as ``models:/name@champion``.

    Raises
    ------
    StepError
        When there is none.
    """
    if not run_id.startswith("models:/"):
        return find_train_run(run_id)
    client = MlflowClient()
    try:
        name, *number = get_model_name_and_version(client, run_id)
        tags = client.get_model_version(name, number[0]).tags if number else {}
    except MlflowException as error:
        if explain(error):
            raise
        raise StepError(f"run_id: expected a registered version, got {run_id}: {error}") from error
    if "train_run_id" not in tags:
        raise StepError(
            f"run_id: expected {run_id} to name its train run (tag train_run_id), which it does "
            "not: it is none of this project's; give the id of a run"
        )
    return find_train_run(tags["train_run_id"])


def read_record(client: MlflowClient, train_run: Run, folder: Path) -> Recorded:
    """Read what a training and its first evaluation recorded.

    Parameters
    ----------
    client : MlflowClient
        Of the store that holds them.
    train_run : Run
    folder : Path
        For what is downloaded.

    Returns
    -------
    Recorded

    Raises
    ------
    StepError
        Naming what is missing.
    """
    folder.mkdir(exist_ok=True)
    evaluation = _first_evaluation(client, train_run)
    given = _found(train_run, HYPERPARAMETERS, folder)
    code = _found(_outermost(client, train_run), "code", folder)
    answers = _found(evaluation, PREDICTIONS, folder)
    hyperparameters = json.loads(given.read_text(encoding="utf-8"))
    return Recorded(train_run, evaluation, hyperparameters, code, answers)


def _first_evaluation(client: MlflowClient, train_run: Run) -> Run:
    """Find the evaluation that was made with the training: a later one may be of other packages."""
    active = mlflow.active_run()
    homes = {train_run.info.experiment_id} | ({active.info.experiment_id} if active else set())
    run_id = train_run.info.run_id
    found = client.search_runs(
        list(homes),
        f"tags.train_run_id = '{run_id}' and tags.step = 'evaluate' and tags.verdict LIKE '%'",
        order_by=["attributes.start_time ASC"],
    )
    if not found:
        raise StepError(
            f"train run {run_id} is not evaluated, so there are no predictions to compare with; "
            f"run the entry point evaluate with run_id={run_id} first"
        )
    return found[0]


def _outermost(client: MlflowClient, run: Run) -> Run:
    """Find the run that holds the scripts: the run itself, or one that it is nested in."""
    while not any(file.path == "code" for file in client.list_artifacts(run.info.run_id)):
        parent = run.data.tags.get("mlflow.parentRunId")
        if not parent:
            return run
        run = client.get_run(parent)
    return run


def _found(run: Run, path: str, folder: Path) -> Path:
    run_id, home = run.info.run_id, run.info.artifact_uri
    place = None if is_local_uri(home) else str(folder)  # what is on this machine stays there
    try:
        return Path(
            mlflow.artifacts.download_artifacts(artifact_uri=f"{home}/{path}", dst_path=place)
        )
    except Exception as error:  # each artifact store raises its own
        if explain(error):
            raise
        raise StepError(
            f"run {run_id}: its artifact {path} is gone, or was never logged by the version of "
            "this project that made the run; without it the run cannot be reproduced"
        ) from error
