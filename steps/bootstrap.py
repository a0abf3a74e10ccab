"""Paired bootstrap: how sure a difference between two models on the same rows is."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from steps.metrics import LOSSES, METRICS, measure

N_RESAMPLES = 1000
MAX_CELLS = 10_000  # probabilities in one resample
MIN_DRAWN = 1000
CONFIDENCE = 0.95


class Scored(NamedTuple):
    """What one model says of the held-out rows."""

    predicted: np.ndarray  # class indices of shape (n_rows,)
    probabilities: np.ndarray  # of shape (n_rows, n_classes)

    def take(self, rows: np.ndarray) -> "Scored":
        """Pick rows."""
        return Scored(self.predicted[rows], self.probabilities[rows])


class Interval(NamedTuple):
    """A figure with its 95% interval; NaN if undefined."""

    value: float
    low: float
    high: float


class Gain(Interval):
    """By how much one model is better than another."""

    def __str__(self) -> str:
        return f"{self.value:+.4f} (95% interval {self.low:+.4f} to {self.high:+.4f})"


def gains(
    metric: str, labels: np.ndarray, model: Scored, others: list[Scored], seed: int = 0
) -> list[Gain]:
    """Measure by how much a model is better than others on the same rows.

    Parameters
    ----------
    metric : str
        A key of ``METRICS``; for a loss the sign is turned, so that more is always better.
    labels : ndarray of shape (n_rows,), int
        Class indices.
    model : Scored
    others : list of Scored
    seed : int

    Returns
    -------
    list of Gain
        One for each of the others, by the percentile bootstrap over rows, all models on the same
        resamples [1]_. Of many rows fewer are drawn, 10,000 / n_classes but no less than 1,000,
        and the interval is scaled to all of them [2]_.

    References
    ----------
    .. [1] Efron and Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall, 1993.
    .. [2] Bickel, Götze and van Zwet, "Resampling fewer than n observations", Statistica Sinica
       7(1), 1997.
    """
    models = [model, *others]

    def differences(rows: np.ndarray) -> np.ndarray:
        good = _goodness(metric, labels[rows], [scored.take(rows) for scored in models])
        return good[0] - good[1:]

    return [Gain(*found) for found in _bootstrap(differences, model, seed)]


def intervals(labels: np.ndarray, model: Scored, seed: int = 0) -> dict[str, Interval]:
    """Measure every metric of the seat with its interval, by the same bootstrap as ``gains``.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,), int
        Class indices.
    model : Scored
    seed : int

    Returns
    -------
    dict of str to Interval
        By the keys of ``METRICS``.
    """

    def figures(rows: np.ndarray) -> np.ndarray:
        return np.array(list(measure(labels[rows], *model.take(rows)).values()))

    return dict(zip(METRICS, _bootstrap(figures, model, seed), strict=True))


def beyond_chance(
    metric: str, labels: np.ndarray, model: Scored, baseline: Scored, seed: int = 0
) -> float:
    """Measure by how much a model is better than what chance reaches once in forty times.

    Parameters
    ----------
    metric : str
        A key of ``METRICS``.
    labels : ndarray of shape (n_rows,), int
    model, baseline : Scored
    seed : int

    Returns
    -------
    float
        At most 0 where permuted labels fit the model as well [1]_: with a handful of rows they
        may, when no bootstrap of those rows can tell.

    References
    ----------
    .. [1] Ojala and Garriga, "Permutation Tests for Studying Classifier Performance", Journal of
       Machine Learning Research 11, 2010.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(labels))[: max(MIN_DRAWN, MAX_CELLS // model.probabilities.shape[1])]
    labels, models = labels[rows], [model.take(rows), baseline.take(rows)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reached = _goodness(metric, labels, models)
        by_chance = [
            _goodness(metric, rng.permutation(labels), models[:1])[0] for _ in range(N_RESAMPLES)
        ]
    return float(reached[0] - max(np.quantile(by_chance, 1 - (1 - CONFIDENCE) / 2), reached[1]))


def _goodness(metric: str, labels: np.ndarray, models: list[Scored]) -> np.ndarray:
    sign = -1 if metric in LOSSES else 1
    return np.array([sign * METRICS[metric](labels, *scored) for scored in models], dtype=float)


def _bootstrap(
    statistics: Callable[[np.ndarray], np.ndarray], model: Scored, seed: int
) -> list[Interval]:
    """Bootstrap statistics of rows, given as positions: one interval for each of them."""
    rng = np.random.default_rng(seed)
    n_rows, n_classes = model.probabilities.shape
    n_drawn = min(n_rows, max(MIN_DRAWN, MAX_CELLS // n_classes))
    exact = statistics(np.arange(n_rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample without some class is no news
        drawn = np.array(
            [statistics(rows) for rows in rng.integers(0, n_rows, (N_RESAMPLES, n_drawn))]
        )
    scale = np.sqrt(n_drawn / n_rows)
    return [_interval(float(v), column, scale) for v, column in zip(exact, drawn.T, strict=True)]


def _interval(value: float, drawn: np.ndarray, scale: float) -> Interval:
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Interval(np.nan, np.nan, np.nan)
    tail = (1 - CONFIDENCE) / 2
    low, high = value + scale * (np.quantile(drawn, [tail, 1 - tail]) - value)
    # resampled calibration errors are all larger than the figure: the interval still holds it
    return Interval(value, min(float(low), value), max(float(high), value))
