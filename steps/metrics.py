"""The metric seat: add a line to ``METRICS`` and it is logged, shown and open to gates."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from steps.auc import roc_auc
from steps.counts import averaged, balanced_accuracy, brier, counts, log_loss
from steps.errors import StepError

CALIBRATION_BINS = 10


def calibration_error(
    labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray
) -> float:
    """Compute the expected calibration error of the predicted class, in ten equal bins [1]_.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n_rows,), int
        Class indices.
    probabilities : ndarray of shape (n_rows, n_classes), float

    Returns
    -------
    float
        0 (calibrated) to 1.

    References
    ----------
    .. [1] Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    confidence = probabilities[np.arange(len(labels)), predicted]
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=(labels == predicted) - confidence, minlength=1)
    return float(np.abs(gaps).sum() / len(labels))


# Each takes (labels, predicted, probabilities): class indices of shape (n_rows,), class indices
# of shape (n_rows,) and floats of shape (n_rows, n_classes). Precision, recall and F1 are those
# of the second class for two classes and the plain mean over the classes for more. Each is
# bootstrapped: a thousand calls for the intervals.
METRICS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda y, p, s: float(np.mean(y == p)),
    "balanced_accuracy": lambda y, p, s: balanced_accuracy(counts(y, p, s.shape[1])),
    "precision": lambda y, p, s: averaged("precision", counts(y, p, s.shape[1])),
    "recall": lambda y, p, s: averaged("recall", counts(y, p, s.shape[1])),
    "f1": lambda y, p, s: averaged("f1", counts(y, p, s.shape[1])),
    "roc_auc": roc_auc,
    "log_loss": lambda y, p, s: log_loss(y, s),
    "brier": lambda y, p, s: brier(y, s),
    "calibration_error": calibration_error,
}
LOSSES = {"log_loss", "brier", "calibration_error"}  # less is better; of all others, more

# Whatever else is worth keeping of the held-out rows, from the same three arrays: a figure, a
# table, a text, a number, or any object; logged to the evaluate run under objects/.
OBJECTS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Any]] = {
    "confusion_matrix": lambda y, p, s: confusion_matrix(
        y, p, labels=np.arange(s.shape[1])
    ).tolist(),
}


def measure(
    labels: np.ndarray,
    predicted: np.ndarray,
    probabilities: np.ndarray,
    names: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute metrics of the seat.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n_rows,), int
        Class indices.
    probabilities : ndarray of shape (n_rows, n_classes), float
    names : iterable of str, optional
        Keys of ``METRICS``; all of them by default.

    Returns
    -------
    dict of str to float
        NaN where a metric is not defined on these rows.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> measure(np.array([0, 1]), np.array([0, 1]), scores)["accuracy"]
    1.0
    """
    with warnings.catch_warnings():
        # a class that is absent or never predicted is no news to the reader of the report
        warnings.simplefilter("ignore")
        return {
            name: _measured(name, labels, predicted, probabilities)
            for name in (METRICS if names is None else names)
        }


def _measured(name: str, *arrays: np.ndarray) -> float:
    with named(f"METRICS[{name!r}]"):
        return float(METRICS[name](*arrays))


@contextmanager
def named(entry: str) -> Iterator[None]:
    """Name the entry of a seat that fails.

    Raises
    ------
    StepError
    """
    try:
        yield
    except StepError:
        raise
    except Exception as error:  # whatever the user's own code raises
        raise StepError(
            f"steps/metrics.py: {entry} raised {type(error).__name__}: {error}"
        ) from error
