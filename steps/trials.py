"""The trials of a search as MLflow runs: written one by one, and read back to go on."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Run, RunTag

from steps.errors import Stopped, reason_of
from steps.outage import closing
from steps.runs import end_with
from steps.stale import own_process

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

STUDY, NUMBER, STATE, SCORES = "study_key", "trial_number", "trial_state", "fold_scores"
PARENT = "mlflow.parentRunId"
BEST = "best_trial"  # of a study whose search has ended


@contextmanager
def trial_run(number: int, hyperparameters: dict[str, str]) -> Iterator[Run]:
    """Open the run of a trial in the active one: lighter than a step's, for there are many."""
    tags = {"step": "trial"} | own_process()
    with mlflow.start_run(run_name=f"trial {number}", nested=True, tags=tags) as run:
        try:
            mlflow.log_params(hyperparameters)
            yield run
        except BaseException as error:
            with suppress(Exception), closing(error):  # of a lost store, the tune run tells
                end_with(reason_of(error), "KILLED" if isinstance(error, Stopped) else "FAILED")
            raise


class Outcome(NamedTuple):
    """How a trial ended."""

    state: str  # COMPLETE, PRUNED or FAIL, as Optuna has it
    scores: list[float]  # on each fold, as far as it came
    reason: str  # of a failure


def write(run_id: str, key: str, number: int, metric: str, outcome: Outcome) -> None:
    """Write a trial to its run, whole or not at all: a killed one has no state."""
    now = int(time.time() * 1000)
    steps = [Metric(f"fold_{metric}", score, now, i) for i, score in enumerate(outcome.scores)]
    if outcome.state == "COMPLETE":
        steps.append(Metric(metric, float(np.mean(outcome.scores)), now, 0))
        steps.append(Metric(f"{metric}_std", float(np.std(outcome.scores)), now, 0))
    tags = {
        STUDY: key,
        NUMBER: str(number),
        SCORES: json.dumps(outcome.scores),
        STATE: outcome.state,
    }
    MlflowClient().log_batch(run_id, steps, tags=[RunTag(*pair) for pair in tags.items()])


def find_trials(experiment_id: str, key: str, most: int) -> list[Run]:
    """Find the trials of a study that have ended, in their order: at most so many.

    They are the first ones without a gap; of two that bear the same number, the newer.
    """
    found = MlflowClient().search_runs(
        [experiment_id],
        f"tags.{STUDY} = '{key}'",
        max_results=50_000,
        order_by=["attributes.start_time ASC"],
    )
    numbered = {int(run.data.tags[NUMBER]): run for run in found if STATE in run.data.tags}
    first = range(min(most, len(numbered)))
    gap = next((number for number in first if number not in numbered), len(first))
    return [numbered[number] for number in first[:gap]]


def read(run: Run, space: dict[str, "BaseDistribution"]) -> "FrozenTrial":
    """Read a trial back, to the bit."""
    from optuna.distributions import CategoricalDistribution, IntDistribution
    from optuna.trial import TrialState, create_trial

    kinds = {CategoricalDistribution: str, IntDistribution: int}
    scores = json.loads(run.data.tags[SCORES])
    state = TrialState[run.data.tags[STATE]]
    means = running_means(scores)
    return create_trial(
        state=state,
        value=None if state == TrialState.FAIL else means[-1],
        params={k: kinds.get(type(v), float)(run.data.params[k]) for k, v in space.items()},
        distributions=space,
        intermediate_values=dict(enumerate(means)),
        user_attrs={"run_id": run.info.run_id, "reason": run.data.tags.get("failure_reason", "")},
    )


def running_means(scores: list[float]) -> list[float]:
    """Average the scores of the folds up to each one.

    Examples
    --------
    >>> running_means([1.0, 0.0])
    [1.0, 0.5]
    """
    return [float(np.mean(scores[: count + 1])) for count in range(len(scores))]


def adopt(trials: list[Run], parent: Run) -> None:
    """Move the trials of searches that were cut short below the run that goes on with them."""
    client = MlflowClient()
    former = {run.data.tags.get(PARENT, "") for run in trials} - {parent.info.run_id, ""}
    cut_short = {run_id for run_id in former if BEST not in client.get_run(run_id).data.tags}
    for run_id in cut_short:
        client.set_tag(run_id, "continued_by", parent.info.run_id)
    for run in trials:
        if run.data.tags.get(PARENT) in cut_short:
            client.set_tag(run.info.run_id, PARENT, parent.info.run_id)


def table(study: "Study") -> list[dict[str, Any]]:
    """List the trials for a JSON file."""
    return [
        {
            "number": trial.number,
            "state": trial.state.name,
            "score": trial.value if trial.state.name == "COMPLETE" else None,
            "hyperparameters": trial.params,
            "run_id": trial.user_attrs.get("run_id", ""),
            "reason": trial.user_attrs.get("reason", ""),
        }
        for trial in study.trials
    ]
