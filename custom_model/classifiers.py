"""The classifier seat: the named classifiers, and any other by its import path."""

import ast
import importlib
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

CLASSIFIERS: dict[str, tuple[type[BaseEstimator], dict[str, Any]]] = {
    "hist_gradient_boosting": (HistGradientBoostingClassifier, {}),
    "random_forest": (RandomForestClassifier, {"n_jobs": -1}),
    "logistic_regression": (LogisticRegression, {"max_iter": 1000}),
    "neural_network": (MLPClassifier, {"hidden_layer_sizes": (64, 32), "early_stopping": True}),
}


def build_classifier(name: str, **hyperparameters: Any) -> BaseEstimator:
    """Build an unfitted classifier.

    Parameters
    ----------
    name : str
        A key of ``CLASSIFIERS``, or the import path of a scikit-learn-compatible class.
    **hyperparameters
        Passed to the class. A text is converted to the type of the class's own default.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        When the class, a hyperparameter or its value is not known, naming the valid ones.

    Examples
    --------
    >>> build_classifier("random_forest", n_estimators="50").n_estimators
    50
    """
    estimator_class, preset = CLASSIFIERS.get(name) or (_import_class(name), {})
    estimator = estimator_class(**preset)
    defaults = estimator.get_params(deep=False)
    unknown = sorted(set(hyperparameters) - set(defaults))
    if unknown:
        raise ValueError(
            f"{name} has no parameter {', '.join(map(repr, unknown))}: "
            f"expected one of {', '.join(sorted(defaults))}"
        )
    for key, value in hyperparameters.items():
        _set_converted(estimator, name, key, value)
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(f"{name} gives no probabilities (predict_proba), which every step needs")
    return estimator


def _import_class(path: str) -> Any:
    module, _, attribute = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, ValueError, AttributeError) as error:
        raise ValueError(
            f"classifier: expected one of {', '.join(CLASSIFIERS)}, or the import path of a class "
            f"such as sklearn.naive_bayes.GaussianNB, got {path!r} ({error}); a package that is "
            "not installed comes by `uv add`, then `uv run python -m tools render`"
        ) from error


def _set_converted(estimator: BaseEstimator, name: str, key: str, value: Any) -> None:
    """Set the first reading of ``value`` that the estimator accepts."""
    default = estimator.get_params(deep=False)[key]
    constrained = hasattr(estimator, "_parameter_constraints")
    refusal = f"expected {type(default).__name__}, like the default {default!r}, got {value!r}"
    for reading in _readings(value, default, constrained) if isinstance(value, str) else [value]:
        estimator.set_params(**{key: reading})
        try:
            if constrained:  # scikit-learn's own ranges, checked before any data is read
                estimator._validate_params()
            return
        except ValueError as error:
            refusal = str(error)
    raise ValueError(f"{name}: bad value for {key}: {refusal}")


def _readings(text: str, default: Any, constrained: bool) -> list[Any]:
    """Read a text in the ways that suit the default; constraints judge what has some."""
    literal = _literal(text)
    if isinstance(default, float) and type(literal) is int:
        literal = float(literal)
    if isinstance(default, str):
        return [text, literal] if constrained else [text]
    fits = constrained or default is None or type(literal) is type(default)
    return [literal] if fits else []


def _literal(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    try:
        return words[text.lower()] if text.lower() in words else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
