"""The search: Optuna proposes hyperparameters, cross-validation scores them, MLflow keeps them."""

import sys
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import mlflow
import numpy as np
from mlflow.entities import Run
from tqdm import tqdm

from steps.errors import StepError, reason_of
from steps.folds import Candidate, Folds, Scorer, scorer
from steps.metrics import LOSSES
from steps.trials import Outcome, adopt, find_trials, read, running_means, trial_run, write

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import Trial


class TrialFailedError(StepError):
    """A trial gave no score; the search goes on."""


class Search(NamedTuple):
    """What is searched, for whom and how well."""

    key: str
    classifier: str
    fixed: dict[str, str]
    space: dict[str, "BaseDistribution"]
    start: dict[str, Any]
    metric: str
    seed: int

    def candidate(self, found: dict[str, Any]) -> Candidate:
        """Join found hyperparameters to those that are held: texts, as after ``-P``."""
        given = self.fixed | {name: str(value) for name, value in found.items()}
        return Candidate(self.classifier, given, self.seed, self.metric)

    def direction(self) -> Literal["minimize", "maximize"]:
        """Tell whether more of the metric is better."""
        return "minimize" if self.metric in LOSSES else "maximize"


def sampler(seed: int, number: int) -> "BaseSampler":
    """Make the sampler of a trial: a tree-structured Parzen estimator [1]_.

    Each trial has one of its own, seeded by its number: what it proposes depends on the trials
    before it and on nothing else, so that a search that was cut short goes on as it would have.

    References
    ----------
    .. [1] Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS 2011.
    """
    from optuna.samplers import TPESampler

    return TPESampler(seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))


def pruner() -> "BasePruner":
    """Make the pruner: after two folds, stop what is worse than the median at that fold."""
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=5, n_warmup_steps=1)


def quiet() -> None:
    """Keep Optuna from telling of every trial."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def study_of(trials: list[Run], search: Search) -> "Study":
    """Make a study in memory of trials that have ended."""
    import optuna

    quiet()
    study = optuna.create_study(direction=search.direction(), pruner=pruner())
    study.add_trials([read(run, search.space) for run in trials])
    return study


def resume(search: Search, active: Run, most: int) -> "Study":
    """Make the study, with the trials that an earlier run has ended already: at most so many."""
    found = find_trials(active.info.experiment_id, search.key, most)
    adopt(found, active)
    study = study_of(found, search)
    if not found and search.start:
        study.enqueue_trial(search.start)
    return study


def run_trials(
    study: "Study", search: Search, folds: Folds, trials: int, timeout: float
) -> "Study":
    """Run the trials that are left, each as a nested run.

    Parameters
    ----------
    study : Study
    search : Search
    folds : Folds
    trials : int
        Of the whole study.
    timeout : float
        Seconds after which no further trial starts; 0 for none.

    Returns
    -------
    Study
    """
    started, done = time.monotonic(), _ended(study)
    bar = tqdm(total=trials, initial=done, unit="trial", disable=not sys.stderr.isatty())
    with bar, scorer(folds) as score:
        while done < trials:
            study.sampler = sampler(search.seed, done)
            run_trial(study, search, score)
            done += 1
            bar.update()
            bar.set_description(_best_of(study, search.metric))
            if timeout and time.monotonic() - started >= timeout:
                break
    return study


def _ended(study: "Study") -> int:
    return sum(trial.state.is_finished() for trial in study.trials)


def _best_of(study: "Study", metric: str) -> str:
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    return f"best {metric} {study.best_value:.4f}" if complete else ""


def run_trial(study: "Study", search: Search, score: Scorer) -> None:
    """Run one trial: propose, score fold by fold, and write the run that shows it."""
    from optuna.trial import TrialState

    trial = study.ask(search.space)
    candidate = search.candidate(trial.params)
    try:
        with trial_run(trial.number, candidate.hyperparameters) as run:
            trial.set_user_attr("run_id", run.info.run_id)
            outcome = score_trial(trial, candidate, score)
            write(run.info.run_id, search.key, trial.number, search.metric, outcome)
            if outcome.state == "FAIL":
                raise TrialFailedError(outcome.reason)
            if outcome.state == "PRUNED":  # as in MLflow's own storage for Optuna
                mlflow.end_run("KILLED")
    except TrialFailedError:
        trial.set_user_attr("reason", outcome.reason)
    value = running_means(outcome.scores)[-1] if outcome.state == "COMPLETE" else None
    study.tell(trial, value, TrialState[outcome.state])


def score_trial(trial: "Trial", candidate: Candidate, score: Scorer) -> Outcome:
    """Score a candidate until it is done, fails, or is pruned."""
    scores: list[float] = []
    try:
        for fold, value in enumerate(score(candidate)):
            if not np.isfinite(value):
                raise StepError(f"{candidate.metric} is not defined on fold {fold}")
            scores.append(value)
            trial.report(running_means(scores)[-1], fold)
            if len(scores) < len(score.folds.parts) and trial.should_prune():
                return Outcome("PRUNED", scores, "")
    except Exception as error:  # whatever an estimator makes of a combination
        return Outcome("FAIL", scores, reason_of(error).partition(" (for the stack")[0])
    return Outcome("COMPLETE", scores, "")
