"""What each decision threshold would give, for two classes."""

import numpy as np
import pandas as pd

from steps.counts import counts, per_class

THRESHOLDS = np.round(np.linspace(0.05, 0.95, 19), 2)


def trade_off(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Measure the second class at nineteen thresholds.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,), int
        Class indices, 0 or 1.
    probabilities : ndarray of shape (n_rows, 2), float

    Returns
    -------
    DataFrame of 19 rows
        ``threshold``, ``precision``, ``recall``, ``f1`` and ``positives``: the share of rows that
        are predicted to be of the second class.
    """
    rows = []
    for threshold in THRESHOLDS:
        predicted = (probabilities[:, 1] > threshold).astype(int)
        figures = per_class(counts(labels, predicted, 2))
        rows.append(
            {"threshold": float(threshold)}
            | {name: float(values[1]) for name, values in figures.items()}
            | {"positives": float(predicted.mean())}
        )
    return pd.DataFrame(rows)
