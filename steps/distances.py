"""How far a column is from the training rows' one."""

from typing import Any

import numpy as np

PRIOR = 0.5  # rows added to each bin, so that an empty one has a logarithm
DISCRETE = ("categorical", "boolean")


def is_null(values: np.ndarray, feature: dict[str, Any]) -> np.ndarray:
    """Tell which encoded values stand for a null: shape (n_rows,), bool."""
    if feature["kind"] == "categorical":
        return values == len(feature["categories"])
    return np.isnan(values)


def bins_of(present: np.ndarray, feature: dict[str, Any], edges: list[float]) -> np.ndarray:
    """Find the bin or category of each value that is not null: shape (n_present,), int."""
    if feature["kind"] in DISCRETE:
        return present.astype(int)
    return np.searchsorted(edges, present, side="left")


def shares_of(present: np.ndarray, feature: dict[str, Any], edges: list[float]) -> np.ndarray:
    """Count the share of each bin or category; unknown categories have none."""
    discrete = feature["kind"] in DISCRETE
    n_bins = len(feature.get("categories", (False, True))) if discrete else len(edges) + 1
    counts = np.bincount(bins_of(present, feature, edges), minlength=n_bins)[:n_bins]
    return counts / max(len(present), 1)


def measure_of(feature: dict[str, Any]) -> str:
    """Name the measure of a feature's distance: ``total_variation`` or ``psi``."""
    return "total_variation" if feature["kind"] in DISCRETE else "psi"


def distance(
    feature: dict[str, Any], before: np.ndarray, now: np.ndarray, n_trained: int, n_rows: int
) -> float:
    """Measure how far two distributions of a feature are apart; parameters as of ``psi``."""
    if feature["kind"] in DISCRETE:
        return total_variation(before, now)
    return psi(before, now, n_trained, n_rows)


def psi(before: np.ndarray, now: np.ndarray, n_trained: int, n_rows: int) -> float:
    """Compute the population stability index of two distributions over the same bins [1]_.

    Parameters
    ----------
    before, now : ndarray of shape (n_bins,)
        Shares.
    n_trained, n_rows : int
        How many rows they are of.

    References
    ----------
    .. [1] Siddiqi, "Credit Risk Scorecards", Wiley, 2006.
    """
    before, now = (
        (shares * count + PRIOR) / (count + PRIOR * len(shares))
        for shares, count in ((before, n_trained), (now, n_rows))
    )
    return float(np.sum((now - before) * np.log(now / before)))


def total_variation(before: np.ndarray, now: np.ndarray) -> float:
    """Compute the total variation of two distributions: arrays of shares of shape (n_bins,)."""
    # what no category holds, on either side, is one category more
    return float((np.abs(before - now).sum() + abs(before.sum() - now.sum())) / 2)
