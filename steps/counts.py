"""Metrics of labels and probabilities, fast enough to be bootstrapped."""

from typing import NamedTuple

import numpy as np


class Counts(NamedTuple):
    """Rows of every class: arrays of shape (n_classes,), int."""

    hits: np.ndarray  # predicted and true
    true: np.ndarray
    predicted: np.ndarray


def counts(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> Counts:
    """Count the rows of every class.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n_rows,), int
        Class indices.
    n_classes : int

    Returns
    -------
    Counts
    """
    parts = (labels[labels == predicted], labels, predicted)
    return Counts(*(np.bincount(part, minlength=n_classes) for part in parts))


def per_class(counted: Counts) -> dict[str, np.ndarray]:
    """Compute precision, recall and F1 of every class; 0 where nothing defines one.

    Parameters
    ----------
    counted : Counts

    Returns
    -------
    dict of str to ndarray of shape (n_classes,)
    """
    hits, true, predicted = counted
    return {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(true, 1),
        "f1": 2 * hits / np.maximum(true + predicted, 1),
    }


def averaged(name: str, counted: Counts) -> float:
    """Average precision, recall or F1: of the second of two classes, or the mean over more.

    Classes without a row, true or predicted, do not count: equal to
    ``sklearn.metrics.precision_recall_fscore_support`` with ``zero_division=0``.
    """
    figures = per_class(counted)[name]
    if len(figures) == 2:
        return float(figures[1])
    return float(figures[counted.true + counted.predicted > 0].mean())


def balanced_accuracy(counted: Counts) -> float:
    """Average the recall over the classes that have rows."""
    return float(per_class(counted)["recall"][counted.true > 0].mean())


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Compute the mean negative log-likelihood; equal to ``sklearn.metrics.log_loss``.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,), int
        Class indices.
    probabilities : ndarray of shape (n_rows, n_classes), float
        Clipped by the resolution of their own dtype.

    Examples
    --------
    >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.0, 1.0]])), 4)
    0.3466
    """
    true = probabilities[np.arange(len(labels)), labels]
    tiny = np.finfo(probabilities.dtype).eps
    return float(-np.log(np.clip(true, tiny, 1 - tiny), dtype=np.float64).mean())


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Compute the Brier score: 0 to 1 for two classes, to 2 for more [1]_.

    Equal to ``sklearn.metrics.brier_score_loss``.

    References
    ----------
    .. [1] Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
       Review 78(1), 1950.
    """
    if probabilities.shape[1] == 2:
        return float(np.square(probabilities[:, 1] - labels).mean())
    squares = np.square(probabilities).sum(axis=1)
    return float((squares + 1 - 2 * probabilities[np.arange(len(labels)), labels]).mean())
