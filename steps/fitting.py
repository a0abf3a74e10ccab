"""Fitting: the pipeline from encoded matrix to probabilities, built and fitted."""

import warnings
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from custom_model.classifiers import build_classifier
from custom_model.preprocessing import build_preprocessor
from steps.epochs import OnEpoch, fit_epochs, has_epochs
from steps.errors import StepError

# where processes share cores, OpenMP's threads wait for each other at every one of thousands of
# small steps: eight fits of 275 rows at once took 23 s on two cores, and 2 s on a thread each
SMALL = 100_000  # cells, which are fitted as fast by one thread as by two


def build_pipeline(
    contract: dict[str, Any], classifier: str, seed: int, hyperparameters: dict[str, Any]
) -> Pipeline:
    """Build the unfitted pipeline from encoded matrix to probabilities.

    Parameters
    ----------
    contract : dict
    classifier : str
        A named classifier or an import path.
    seed : int
        For every ``random_state`` in the pipeline that is not a hyperparameter.
    hyperparameters : dict
        Of the classifier, checked by ``build_classifier``.

    Returns
    -------
    Pipeline
        Steps ``preprocessor`` and ``classifier``.
    """
    estimator = build_classifier(classifier, **hyperparameters)
    pipeline = Pipeline(
        [("preprocessor", build_preprocessor(contract, estimator)), ("classifier", estimator)]
    )
    seeds = {
        name: seed
        for name, value in pipeline.get_params().items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return pipeline.set_params(**seeds)


def fit(
    pipeline: Pipeline, matrix: np.ndarray, indices: np.ndarray, on_epoch: OnEpoch | None = None
) -> list[str]:
    """Fit a pipeline in place.

    Parameters
    ----------
    pipeline : Pipeline
        As made by ``build_pipeline``.
    matrix : ndarray of shape (n_rows, n_encoded), float32
    indices : ndarray of shape (n_rows,), int
        Of the class of each row.
    on_epoch : callable, optional
        Called with the pipeline after each epoch of a classifier that has epochs.

    Returns
    -------
    list of str
        What the estimator warned of.

    Raises
    ------
    StepError
        When the estimator refuses the data.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            with threadpool_limits(1 if matrix.size < SMALL else None, user_api="openmp"):
                if has_epochs(pipeline["classifier"]):
                    fit_epochs(pipeline, matrix, indices, on_epoch)
                else:
                    pipeline.fit(matrix, indices)
        except ValueError as error:  # the estimator's own word on this data
            reason = str(error).strip().splitlines()[0]
            raise StepError(
                f"{type(pipeline['classifier']).__name__} cannot be fitted: {reason}"
            ) from error
    if "n_jobs" in pipeline["classifier"].get_params(deep=False):
        # threads add up a forest's votes in any order: the last bit would not reproduce
        pipeline.set_params(classifier__n_jobs=1)
    return list(dict.fromkeys(f"fit: {str(entry.message).splitlines()[0]}" for entry in caught))
