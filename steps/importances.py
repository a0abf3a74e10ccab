"""Which features matter, and how: permutation importance and partial dependence."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from custom_model.predictor import decide, encoded_names
from steps.metrics import LOSSES, METRICS

REPEATS = 5
MAX_ROWS = 2000
MAX_PREDICTIONS = 200_000
MIN_ROWS = 100
CHUNK = 5_000_000  # cells that are predicted at once
GRID = 20


def columns_of(contract: dict[str, Any]) -> dict[str, slice]:
    """Find the matrix columns of every feature."""
    found, start = {}, 0
    for feature in contract["features"]:
        stop = start + len(encoded_names(feature))
        found[feature["name"]] = slice(start, stop)
        start = stop
    return found


def importances(
    pipeline: Pipeline,
    contract: dict[str, Any],
    matrix: np.ndarray,
    labels: np.ndarray,
    metric: str,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how much worse a metric gets when one feature is permuted [1]_.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    contract : dict
    matrix : ndarray of shape (n_rows, n_encoded), float32
        Held-out rows, of which at most 2,000 are used, fewer with many features.
    labels : ndarray of shape (n_rows,), int
        Class indices.
    metric : str
        A key of ``METRICS``.
    seed : int

    Returns
    -------
    DataFrame of n_features rows
        ``feature``, ``importance`` (the mean of five permutations) and ``deviation``, the
        strongest first. All columns of a feature are permuted together.

    References
    ----------
    .. [1] Breiman, "Random Forests", Machine Learning 45(1), 2001.
    """
    rng = np.random.default_rng(seed)
    features = columns_of(contract)
    most = np.clip(MAX_PREDICTIONS // (REPEATS * len(features)), MIN_ROWS, MAX_ROWS)
    rows = _some_of_each_class(labels, int(most), rng)
    matrix, labels = matrix[rows], labels[rows]

    def good(probabilities: np.ndarray) -> float:
        sign = -1 if metric in LOSSES else 1
        predicted = decide(probabilities, contract["threshold"])
        return sign * METRICS[metric](labels, predicted, probabilities)

    orders = [rng.permutation(len(labels)) for _ in range(REPEATS * len(features))]
    places = [place for place in features.values() for _ in range(REPEATS)]
    drops = good(pipeline.predict_proba(matrix)) - np.array(
        [good(found) for found in _permuted(pipeline, matrix, places, orders)]
    )
    drops = drops.reshape(len(features), REPEATS)
    found = pd.DataFrame(
        {
            "feature": list(features),
            "importance": drops.mean(axis=1),
            "deviation": drops.std(axis=1),
        }
    )
    return found.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _some_of_each_class(labels: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Choose rows by chance, but two of each class first: a metric may be undefined without."""
    rows = rng.permutation(len(labels))
    _, inverse = np.unique(labels[rows], return_inverse=True)
    seen = pd.Series(inverse).groupby(inverse).cumcount().to_numpy()
    return rows[np.argsort(seen >= 2, kind="stable")][:most]


def _permuted(
    pipeline: Pipeline, matrix: np.ndarray, places: list[slice], orders: list[np.ndarray]
) -> list[np.ndarray]:
    """Predict copies of a matrix, in each of which the columns of one place are reordered."""
    n_rows, found = len(matrix), []
    at_once = max(1, CHUNK // matrix.size)
    for start in range(0, len(places), at_once):
        chosen = list(zip(places, orders, strict=True))[start : start + at_once]
        copies = np.tile(matrix, (len(chosen), 1))
        for number, (place, order) in enumerate(chosen):
            copies[number * n_rows : (number + 1) * n_rows, place] = matrix[order, place]
        found += np.split(pipeline.predict_proba(copies), len(chosen))
    return found


def dependence(
    pipeline: Pipeline, contract: dict[str, Any], matrix: np.ndarray, feature: str
) -> pd.DataFrame:
    """Average the prediction over the rows with one feature set to each of its values [1]_.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    contract : dict
    matrix : ndarray of shape (n_rows, n_encoded), float32
        Held-out rows, of which at most 2,000 are used.
    feature : str

    Returns
    -------
    DataFrame of n_values rows
        ``value`` (a text for a category or a boolean) and a column for each class, by its
        position. Of a feature of several columns the first one varies.

    References
    ----------
    .. [1] Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of
       Statistics 29(5), 2001.
    """
    spec = next(one for one in contract["features"] if one["name"] == feature)
    column = columns_of(contract)[feature].start
    matrix = matrix[:MAX_ROWS]
    values, names = _grid(spec, matrix[:, column])
    if not len(values):
        return pd.DataFrame(columns=["value"])
    copies = np.tile(matrix, (len(values), 1))
    copies[:, column] = np.repeat(values, len(matrix))
    means = pipeline.predict_proba(copies).reshape(len(values), len(matrix), -1).mean(axis=1)
    found = pd.DataFrame(means)
    found.insert(0, "value", names)
    return found


def _grid(spec: dict[str, Any], present: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """Choose the values of a feature: its categories, or quantiles; and how they read."""
    present = present[~np.isnan(present)]
    if spec["kind"] == "categorical":
        codes = np.unique(present)[:GRID]
        texts = [*spec["categories"], "null", "unknown"]
        return codes, [texts[int(code)] for code in codes]
    if spec["kind"] == "boolean":
        return np.array([0, 1], dtype=np.float32), ["false", "true"]
    if not len(present):
        return present, []
    values = np.unique(np.quantile(present, np.linspace(0.02, 0.98, GRID))).astype(np.float32)
    if spec["kind"] == "datetime":
        days = np.round(values + spec["center"]).astype("int64").astype("datetime64[D]")
        return values, list(days)
    return values, list(values.astype(float) + spec.get("center", 0.0))
