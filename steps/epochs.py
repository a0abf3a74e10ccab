"""The epoch loop of a neural network: early stopping on validation rows, and a state to resume.

All state of the loop stands in the network's own attributes, of plain types, so that its pickle is
a checkpoint: the optimizer and the weights under scikit-learn's names, the rest in ``epochs_``.
"""

import hashlib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

from steps.counts import log_loss
from steps.errors import StepError

MOST_ROWS = 10_000  # that a loss on training rows takes: they come shuffled, so they are a sample
OnEpoch = Callable[[Pipeline], None]


class _Part(NamedTuple):
    X: np.ndarray
    y: np.ndarray


def has_epochs(estimator: BaseEstimator) -> bool:
    """Tell whether an estimator is trained by ``fit_epochs``."""
    return isinstance(estimator, MLPClassifier) and estimator.solver != "lbfgs"


def validation_positions(network: MLPClassifier, indices: np.ndarray) -> np.ndarray:
    """Choose the training rows on which early stopping is decided: stratified, by the seed.

    Parameters
    ----------
    network : MLPClassifier
        Its ``early_stopping``, ``validation_fraction`` and ``random_state``.
    indices : ndarray of shape (n_rows,), int
        Of the class of each training row.

    Returns
    -------
    ndarray of shape (n_validation_rows,), int
        Sorted; empty without early stopping, or where a class has too few rows to be split.
    """
    everything = np.arange(len(indices))
    if not (has_epochs(network) and network.early_stopping):
        return everything[:0]
    try:
        _, chosen = train_test_split(
            everything,
            test_size=network.validation_fraction,
            stratify=indices,
            random_state=network.random_state,
        )
    except ValueError:
        return everything[:0]
    return np.sort(chosen)


def fit_epochs(
    pipeline: Pipeline, matrix: np.ndarray, indices: np.ndarray, on_epoch: OnEpoch | None = None
) -> None:
    """Fit a pipeline whose classifier is a network, in place; goes on from a checkpoint.

    One ``partial_fit`` an epoch, at most ``max_iter``. It stops when the validation loss (without
    validation rows the training loss, as scikit-learn does) has not fallen by ``tol`` for
    ``n_iter_no_change`` epochs, and keeps the weights of the epoch with the least [1]_.

    Parameters
    ----------
    pipeline : Pipeline
        Steps ``preprocessor`` and ``classifier``.
    matrix : ndarray of shape (n_rows, n_encoded), float32
    indices : ndarray of shape (n_rows,), int
        Of the class of each row.
    on_epoch : callable, optional
        Called with the pipeline after each epoch; a pickle of it is then a checkpoint.

    Raises
    ------
    StepError
        When the classifier is a checkpoint of other rows.

    References
    ----------
    .. [1] Prechelt, "Early Stopping - But When?", Neural Networks: Tricks of the Trade, 1998.
    """
    network = pipeline["classifier"]
    parts = _parts(pipeline, matrix, indices)
    if network.early_stopping and "validation" not in parts:
        warnings.warn(
            f"a class has too few rows to split off {network.validation_fraction:g} of them for "
            "validation: no early stopping",
            stacklevel=2,
        )
    _start_or_resume(network, _sha256(parts))
    classes = np.unique(indices)
    while not (_converged(network) or len(network.epochs_["training_loss"]) >= network.max_iter):
        _train_one(network, parts["training"], classes)
        _measure(network, parts)
        if on_epoch:
            on_epoch(pipeline)
    _finish(network)


def _parts(pipeline: Pipeline, matrix: np.ndarray, indices: np.ndarray) -> dict[str, _Part]:
    """Transform the rows; what the preprocessor learns, it learns on those that train."""
    held = validation_positions(pipeline["classifier"], indices)
    kept = np.setdiff1d(np.arange(len(indices)), held)
    X = pipeline[:-1].fit_transform(matrix[kept], indices[kept])
    # the graph computes in float32: weights that do too lose nothing on the way
    parts = {"training": _Part(np.asarray(X, dtype=np.float32), indices[kept])}
    if len(held):
        X = pipeline[:-1].transform(matrix[held])
        parts["validation"] = _Part(np.asarray(X, dtype=np.float32), indices[held])
    return parts


def _sha256(parts: dict[str, _Part]) -> str:
    digest = hashlib.sha256()
    for array in (array for part in parts.values() for array in part):
        digest.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _start_or_resume(network: MLPClassifier, rows_sha256: str) -> None:
    state: dict[str, Any] | None = getattr(network, "epochs_", None)
    if state is None:
        network.epochs_ = {
            "training_loss": [],
            "validation_loss": [],
            "best_epoch": 0,
            "no_improvement": 0,
            "random_state": np.random.RandomState(network.random_state),
            "rows_sha256": rows_sha256,
        }
    elif state["rows_sha256"] != rows_sha256:
        raise StepError(
            "resume_from: expected a checkpoint of the same preprocessed rows, got one of others; "
            "drop, kinds and custom_model/preprocessing.py must be as they were, or train anew"
        )


def _train_one(network: MLPClassifier, part: _Part, classes: np.ndarray) -> None:
    own = (network.early_stopping, network.random_state)
    # partial_fit refuses early stopping, and shuffles by an integer seed alike in every epoch
    network.early_stopping, network.random_state = False, network.epochs_["random_state"]
    try:
        network.partial_fit(part.X, part.y, classes=classes)
    finally:
        network.early_stopping, network.random_state = own


def _measure(network: MLPClassifier, parts: dict[str, _Part]) -> None:
    """Append the losses of an epoch, and keep its weights if it is the best yet."""
    state = network.epochs_
    X, y = parts["training"]
    rows = {"training": _Part(X[:MOST_ROWS], y[:MOST_ROWS])}
    for name, part in (parts | rows).items():
        state[f"{name}_loss"].append(log_loss(part.y, network.predict_proba(part.X)))
    *before, loss = state["validation_loss"] or state["training_loss"]
    least = min(before, default=np.inf)
    state["no_improvement"] = 0 if loss <= least - network.tol else state["no_improvement"] + 1
    if loss < least:
        state["best_epoch"] = len(before) + 1
        network._best_coefs = [weights.copy() for weights in network.coefs_]
        network._best_intercepts = [weights.copy() for weights in network.intercepts_]


def _converged(network: MLPClassifier) -> bool:
    return network.epochs_["no_improvement"] > network.n_iter_no_change


def _finish(network: MLPClassifier) -> None:
    network.n_iter_ = len(network.epochs_["training_loss"])
    if not _converged(network):
        warnings.warn(
            f"max_iter={network.max_iter} epochs trained without convergence",
            ConvergenceWarning,
            stacklevel=3,
        )
    network.coefs_, network.intercepts_ = network._best_coefs, network._best_intercepts
    del network.epochs_["random_state"]  # these weights are no place to go on from
