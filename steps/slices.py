"""Slices of the held-out rows: where the model is at its worst."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from custom_model.predictor import encoded_names
from steps.bootstrap import Scored
from steps.metrics import LOSSES, measure

MIN_ROWS = 30
QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


def measure_slices(
    matrix: np.ndarray,
    contract: dict[str, Any],
    labels: np.ndarray,
    scored: Scored,
    metrics: list[str],
) -> pd.DataFrame:
    """Measure some metrics on every slice of 30 rows or more.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_encoded), float32
        The held-out rows, encoded.
    contract : dict
    labels : ndarray of shape (n_rows,), int
        Class indices.
    scored : Scored
    metrics : list of str
        Keys of ``METRICS``.

    Returns
    -------
    DataFrame of n_slices rows
        ``slice`` (such as ``island = Dream``), ``rows`` and a column for each metric.
    """
    found = []
    for name, member in _slices(matrix, contract):
        if member.sum() >= MIN_ROWS:
            measured = measure(labels[member], *scored.take(member), metrics)
            found.append({"slice": name, "rows": int(member.sum())} | measured)
    return pd.DataFrame(found, columns=["slice", "rows", *metrics])


def worst(slices: pd.DataFrame, metric: str) -> dict[str, Any] | None:
    """Find the slice where a metric is worst; None where it is defined on no slice."""
    defined = slices.dropna(subset=[metric]).sort_values(metric, kind="stable")
    rows: list[dict[Any, Any]] = defined.to_dict("records")
    return rows[-1 if metric in LOSSES else 0] if rows else None


def _slices(matrix: np.ndarray, contract: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    column = 0
    for feature in contract["features"]:
        values, name = matrix[:, column], feature["name"]
        column += len(encoded_names(feature))
        if feature["kind"] == "categorical":
            texts = [*feature["categories"], "null", "unknown"]
            for code in np.unique(values).astype(int):
                yield f"{name} = {texts[code]}", values == code
            continue
        yield f"{name} = null", np.isnan(values)
        if feature["kind"] == "boolean":
            yield f"{name} = false", values == 0
            yield f"{name} = true", values == 1
        else:
            yield from _quarters(name, values)


def _quarters(name: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    present = values[~np.isnan(values)]
    if not len(present):
        return
    edges = np.quantile(present, [0.25, 0.5, 0.75])
    quarter = np.searchsorted(edges, values, side="left")
    for number, text in enumerate(QUARTERS):
        yield f"{name} in the {text}", (quarter == number) & ~np.isnan(values)
