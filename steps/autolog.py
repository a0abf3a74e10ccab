"""MLflow's own autologging, for the libraries of which it knows more than we can."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.utils.autologging_utils import autologging_is_disabled
from sklearn.base import BaseEstimator

# scikit-learn's is left out: it costs seconds, and gives nothing that train does not log
FLAVORS = ("xgboost", "lightgbm")


@contextmanager
def autologged(estimator: BaseEstimator) -> Iterator[None]:
    """Let MLflow log what it knows of a fit to the active run, where the library has a flavor.

    Parameters
    ----------
    estimator : estimator
        That is fitted meanwhile.
    """
    name = type(estimator).__module__.partition(".")[0]
    if name not in FLAVORS or not autologging_is_disabled(name):  # or the user's own is on
        yield
        return
    flavor = importlib.import_module(f"mlflow.{name}")
    flavor.autolog(log_models=False, log_datasets=False, silent=True)
    try:
        yield
    finally:
        flavor.autolog(disable=True, silent=True)
