"""Synthetic tables, seeded."""

import numpy as np
import pandas as pd

N_NUMERIC, N_CATEGORICAL, MAX_LEVELS = 6, 8, 40
NULL_SHARE = 0.05
LABEL = "label"


def customers(n_rows: int, seed: int = 0) -> pd.DataFrame:
    """Make a binary problem: 6 numeric and 8 categorical columns of up to 40 levels, with nulls.

    Parameters
    ----------
    n_rows : int
    seed : int

    Returns
    -------
    DataFrame of n_rows rows
        The label is the column ``label``, 0 or 1.
    """
    rng = np.random.default_rng(seed)
    frame, signal = {}, np.zeros(n_rows)
    for i in range(N_NUMERIC):
        values = rng.normal(size=n_rows)
        signal += values / (i + 1)
        frame[f"number_{i}"] = np.where(rng.random(n_rows) < NULL_SHARE, np.nan, values)
    for i in range(N_CATEGORICAL):
        levels = np.linspace(3, MAX_LEVELS, N_CATEGORICAL).astype(int)[i]
        codes = rng.integers(0, levels, n_rows)
        signal += rng.normal(size=levels)[codes] / (i + 1)
        texts = np.array([f"level {code}" for code in range(levels)], dtype=object)[codes]
        frame[f"category_{i}"] = np.where(rng.random(n_rows) < NULL_SHARE, None, texts)
    label = (signal + rng.normal(size=n_rows) > 0).astype(int)
    return pd.DataFrame(frame | {LABEL: label})
