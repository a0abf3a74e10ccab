"""Stratified cross-validation of the training rows, a process for each core."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from steps.clock import Clock
from steps.errors import StepError
from steps.fitting import build_pipeline, fit
from steps.metrics import measure
from steps.prepare import prepare

N_FOLDS = 5
SLOW = 0.5  # seconds for a fold; below, starting workers (3 s) costs more than they bring
IDLE = 10  # seconds after which a worker whose parent was killed ends


class Folds(NamedTuple):
    """The training rows, cut into parts that each are scored by a model of the others."""

    contract: dict[str, Any]
    matrix: np.ndarray
    indices: np.ndarray
    parts: list[tuple[np.ndarray, np.ndarray]]  # rows to fit on, rows to score
    split_sha256: str


class Candidate(NamedTuple):
    """What is fitted and scored on each fold."""

    classifier: str
    hyperparameters: dict[str, str]
    seed: int
    metric: str


def training_folds(frame: pd.DataFrame, params: dict[str, Any]) -> Folds:
    """Cut the training rows into folds; they are the very rows that ``train`` would fit on.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    params : dict
        Those of ``train``.

    Returns
    -------
    Folds
        Five, or fewer where a class has fewer rows. The contract, which says how a row is read, is
        that of all training rows; all that is fitted is fitted inside each fold.

    Raises
    ------
    StepError
        As ``train`` would.
    """
    prepared = prepare(frame, params, Clock())
    indices = prepared.indices[0]
    rarest = int(np.bincount(indices).min())
    if rarest < 2:
        raise StepError(
            f"tune: expected two training rows or more of each class, got {rarest} of one; "
            "cross-validation needs them"
        )
    folds = StratifiedKFold(min(rarest, N_FOLDS), shuffle=True, random_state=params["seed"])
    parts = list(folds.split(indices, indices))
    split_sha256 = prepared.rows.sha256()
    return Folds(prepared.contract, prepared.matrices[0], indices, parts, split_sha256)


def score_fold(folds: Folds, number: int, candidate: Candidate, threads: int) -> float:
    """Fit on all folds but one and measure on that one.

    Parameters
    ----------
    folds : Folds
    number : int
        Of the fold to measure on.
    candidate : Candidate
    threads : int
        That the fit may use.

    Returns
    -------
    float
        NaN where the metric is not defined on these rows.
    """
    fitted, scored = folds.parts[number]
    given = candidate.hyperparameters
    pipeline = build_pipeline(folds.contract, candidate.classifier, candidate.seed, given)
    if "n_jobs" in pipeline["classifier"].get_params(deep=False):
        pipeline.set_params(classifier__n_jobs=threads)
    with threadpool_limits(threads):
        fit(pipeline, folds.matrix[fitted], folds.indices[fitted])
        found = pipeline.predict_proba(folds.matrix[scored])
    probabilities = np.zeros((len(scored), len(folds.contract["classes"])))
    probabilities[:, pipeline.classes_] = found
    predicted = probabilities.argmax(axis=1)
    name = candidate.metric
    return measure(folds.indices[scored], predicted, probabilities, [name])[name]


class Scorer:
    """Scores candidates fold by fold: on all cores at once, where a fold takes long enough."""

    def __init__(self, folds: Folds, parallel: Parallel, threads: int) -> None:
        self.folds = folds
        self._parallel = parallel
        self._threads = threads
        self._at_once = 1  # until a fold is slow

    def __call__(self, candidate: Candidate) -> Iterator[float]:
        """Yield the score on each fold, in order; what is not asked for is not fitted."""
        left = list(range(len(self.folds.parts)))
        while left:
            wave, left = left[: self._at_once], left[self._at_once :]
            start = time.perf_counter()
            if len(wave) > 1:
                yield from self._parallel(
                    delayed(score_fold)(self.folds, number, candidate, self._threads)
                    for number in wave
                )
            else:
                yield score_fold(self.folds, wave[0], candidate, self._threads)
            if time.perf_counter() - start > SLOW:
                self._at_once = self._parallel.n_jobs


@contextmanager
def scorer(folds: Folds) -> Iterator[Scorer]:
    """Hold the workers that score ready, and end them."""
    at_most = min(cpu_count(), len(folds.parts))
    options = {"idle_worker_timeout": IDLE} if at_most > 1 else {}
    with Parallel(n_jobs=at_most, **options) as parallel:
        # as many threads here as in a worker: with another number, a sum has other last bits
        yield Scorer(folds, parallel, max(1, cpu_count() // at_most))


def lone_scorer(folds: Folds) -> Scorer:
    """Make a scorer that keeps to one core, where others run beside it."""
    return Scorer(folds, Parallel(n_jobs=1), 1)
