"""drift: compare a table with the training rows that the contract remembers."""

import re
import sys
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from custom_model.predictor import encode_rows, encoded_names
from steps import console
from steps.distances import DISCRETE, distance, is_null, measure_of, shares_of
from steps.files import read_table
from steps.parameters import convert
from steps.runs import launch, step_run
from steps.storage import contract_at

BINS = 10
CONFIDENCE = 0.999
MOVED = {"psi": 0.2, "total_variation": 0.1, "null_rate": 0.1, "unknown_rate": 0.05}


def profile(matrix: np.ndarray, contract: dict[str, Any]) -> list[dict[str, Any]]:
    """Remember how the training rows are distributed.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_encoded), float32
        As encoded under the contract.
    contract : dict

    Returns
    -------
    list of dict
        One a feature, JSON-ready: ``edges`` (the inner deciles of its first encoded column; none
        for categories and booleans) and ``shares`` (of the non-null rows, by bin or category).
    """
    profiles = []
    for feature, values in _columns(matrix, contract):
        present = values[~is_null(values, feature)]
        edges: list[float] = []
        if feature["kind"] not in DISCRETE and len(present):
            edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])).tolist()
        shares = shares_of(present, feature, edges)
        profiles.append({"edges": edges, "shares": np.round(shares, 6).tolist()})
    return profiles


def compare(frame: pd.DataFrame, contract: dict[str, Any]) -> pd.DataFrame:
    """Compare a table with the training rows.

    Numbers, dates and the word counts of texts by the population stability index [1]_, categories
    and booleans by total variation. What moved lies over 0.2 or 0.1, and over what chance gives on
    so few rows in one case of a thousand [2]_ [3]_; or null by 0.1 or unknown by 0.05 more.

    Parameters
    ----------
    frame : DataFrame of n_rows rows
        The contract's features; cells that are not valid count as nulls.
    contract : dict
        With the ``profile`` that training added.

    Returns
    -------
    DataFrame of n_features rows
        ``feature``, ``measure``, ``value``, ``limit``, ``null_rate``, ``trained_null_rate``,
        ``unknown_rate`` and ``moved``.

    References
    ----------
    .. [1] Siddiqi, "Credit Risk Scorecards", Wiley, 2006.
    .. [2] Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan
       University, 2018: under no drift it is chi-squared times (1/n + 1/m).
    .. [3] Weissman et al., "Inequalities for the L1 Deviation of the Empirical Distribution", 2003.
    """
    matrix, _ = encode_rows(frame, contract)
    trained = sum(contract["class_counts"])
    rows = []
    for (feature, values), known in zip(
        _columns(matrix, contract), contract["profile"], strict=True
    ):
        null = is_null(values, feature)
        present = values[~null]
        before, now = np.array(known["shares"]), shares_of(present, feature, known["edges"])
        discrete = feature["kind"] in DISCRETE
        unknown = 1 - now.sum() if feature["kind"] == "categorical" and len(present) else 0.0
        measured = {
            "feature": feature["name"],
            "measure": measure_of(feature),
            "value": distance(feature, before, now, trained, len(present)),
            "limit": _limit(discrete, len(before), len(present), trained),
            "null_rate": float(null.mean()) if len(null) else 0.0,
            "trained_null_rate": feature["null_rate"],
            "unknown_rate": float(unknown),
        }
        rows.append(measured | {"moved": _moved(measured, len(present), len(values))})
    return pd.DataFrame(rows)


def _columns(matrix: np.ndarray, contract: dict[str, Any]) -> list[tuple[dict, np.ndarray]]:
    """Pair each feature with its first encoded column, which tells most of it."""
    widths = [len(encoded_names(feature)) for feature in contract["features"]]
    starts = np.cumsum([0, *widths[:-1]])
    return [(f, matrix[:, start]) for f, start in zip(contract["features"], starts, strict=True)]


def _limit(discrete: bool, n_bins: int, n_rows: int, n_trained: int) -> float:
    n_rows = max(n_rows, 1)
    if discrete:
        chance = np.sqrt((n_bins * np.log(2) - np.log(1 - CONFIDENCE)) / (2 * n_rows))
        return float(max(MOVED["total_variation"], chance))
    chance = chi2.ppf(CONFIDENCE, max(n_bins - 1, 1)) * (1 / n_rows + 1 / n_trained)
    return float(max(MOVED["psi"], chance))


def _moved(measured: dict[str, Any], n_present: int, n_rows: int) -> bool:
    nulls, unknowns = measured["trained_null_rate"], MOVED["unknown_rate"]
    return bool(
        (n_present > 0 and measured["value"] > measured["limit"])
        or measured["null_rate"] > nulls + max(MOVED["null_rate"], _chance(nulls, n_rows))
        or measured["unknown_rate"] > unknowns + _chance(unknowns, n_rows)
    )


def _chance(share: float, n_rows: int) -> float:
    """Bound what a share may exceed its expectation by (normal approximation)."""
    return float(norm.ppf(CONFIDENCE) * np.sqrt(share * (1 - share) / max(n_rows, 1)))


def run(declared: dict[str, str], further: dict[str, str]) -> pd.DataFrame:
    """Run the step; returns the comparison."""
    with step_run("drift", declared):
        params = convert("drift", declared, further)
        contract = contract_at(params["model_uri"].rstrip("/"))
        frame, sha256 = read_table(params["data"])
        compared = compare(frame, contract)
        mlflow.set_tag("data_sha256", sha256)
        for row in compared.to_dict("records"):
            # MLflow allows no other characters in the name of a metric
            name = re.sub(r"[^\w.\- :/]", "_", row["feature"])
            mlflow.log_metric(f"drift/{name}", row["value"])
        mlflow.log_metric("moved_features", int(compared["moved"].sum()))
        mlflow.log_table(compared, "drift.json")
        shown = {
            row["feature"]: f"{row['measure']} {row['value']:.3f}" + ("  moved" * row["moved"])
            for row in compared.to_dict("records")
        }
        console.table("drift", {"rows": len(frame)} | shown)
        return compared


if __name__ == "__main__":
    sys.exit(launch("drift", run))
