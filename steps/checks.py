"""What training does not refuse but a person should know: leakage, copies, imbalance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from custom_model.predictor import encoded_names
from steps.auc import roc_auc
from steps.errors import listed

NEAR_CONSTANT_SHARE = 0.995
IMBALANCE_RATIO = 50
MANY_CLASSES = 50
TINY_SUPPORT = 10
LEAKAGE_AUC = 0.999
LEAKAGE_ROWS = 10_000
LEAKAGE_MIN_ROWS = 100  # fewer are separated by chance


def warnings_about(
    features: Sequence[pd.DataFrame],
    labels: Sequence[pd.Series],
    contract: dict[str, Any],
    matrix: np.ndarray,
    indices: np.ndarray,
) -> list[str]:
    """List what is suspicious about a split table.

    Parameters
    ----------
    features : DataFrame of the training rows, DataFrame of the held-out rows
    labels : Series of the training rows, Series of the held-out rows
    contract : dict
    matrix : ndarray of shape (n_training, n_encoded), float32
        The encoded training rows.
    indices : ndarray of shape (n_training,), int
        Their class indices.

    Returns
    -------
    list of str
        A sentence each; empty where nothing is.
    """
    names = [feature["name"] for feature in contract["features"]]
    return [
        *_copies([frame[names] for frame in features], labels),
        *_near_constant(features[0], contract),
        *_class_counts(labels[0]),
        *_leakage(contract, matrix, indices),
    ]


def _copies(features: Sequence[pd.DataFrame], labels: Sequence[pd.Series]) -> list[str]:
    train, held_out = (
        pd.util.hash_pandas_object(frame.assign(**{"": label}), index=False)
        for frame, label in zip(features, labels, strict=True)
    )
    found = []
    copies = pd.concat([train, held_out]).duplicated().sum()
    if copies:
        found.append(f"{copies} rows are copies of another row")
    leaked = held_out.isin(train).sum()
    if leaked:
        found.append(
            f"leakage: {leaked} of {len(held_out)} held-out rows stand among the training rows too"
        )
    return found


def _near_constant(train: pd.DataFrame, contract: dict[str, Any]) -> list[str]:
    names = [
        feature["name"]
        for feature in contract["features"]
        if _largest_share(train[feature["name"]]) > NEAR_CONSTANT_SHARE
    ]
    return [f"nearly constant: {listed(names)}"] if names else []


def _largest_share(values: pd.Series) -> float:
    return float(values.value_counts(normalize=True, dropna=False).iloc[0])


def _class_counts(labels: pd.Series) -> list[str]:
    counts = labels.value_counts()
    found = []
    if len(counts) > MANY_CLASSES and pd.api.types.is_numeric_dtype(labels):
        found.append(f"{len(counts)} numbers as classes: is the target a quantity?")
    if counts.iloc[0] >= IMBALANCE_RATIO * counts.iloc[-1]:
        found.append(
            f"imbalance: {counts.iloc[0]} training rows of {counts.index[0]!r}, "
            f"{counts.iloc[-1]} of {counts.index[-1]!r}"
        )
    tiny = counts[counts < TINY_SUPPORT]
    if len(tiny):
        named = listed(f"{label!r} ({count})" for label, count in tiny.items())
        found.append(f"fewer than {TINY_SUPPORT} training rows of {named}")
    return found


def _leakage(contract: dict[str, Any], matrix: np.ndarray, indices: np.ndarray) -> list[str]:
    """Score each feature alone: a small tree on one half of a sample, its AUC on the other."""
    if len(matrix) < LEAKAGE_MIN_ROWS:
        return []
    half = min(len(matrix), LEAKAGE_ROWS) // 2
    names = [f["name"] for f in contract["features"] for _ in encoded_names(f)]
    found: dict[str, float] = {}
    for column, name in enumerate(names):
        tree = DecisionTreeClassifier(max_leaf_nodes=32, min_samples_leaf=3, random_state=0)
        tree.fit(matrix[:half, [column]], indices[:half])
        scores = np.zeros((half, len(contract["classes"])))
        scores[:, tree.classes_] = tree.predict_proba(matrix[half : 2 * half, [column]])
        area = roc_auc(indices[half : 2 * half], indices[half : 2 * half], scores)
        if area > LEAKAGE_AUC:
            found[name] = area
    return [
        f"leakage: {name!r} alone predicts the target (AUC {area:.4f}); is it known beforehand?"
        for name, area in found.items()
    ]
