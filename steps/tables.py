"""The tables of an evaluation: every figure, every class, every answer."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from steps.auc import one_vs_rest
from steps.bootstrap import Interval, Scored
from steps.counts import counts, per_class
from steps.judgement import Rivals
from steps.storage import Training

MAX_CLASS_METRICS = 50  # classes, of which each has metrics of its own; the table has them all


def figures_of(measured: dict[str, Interval], classes: pd.DataFrame) -> dict[str, float]:
    """Name the finite figures for the tracking store.

    Parameters
    ----------
    measured : dict of str to Interval
    classes : DataFrame
        As from ``table_of_classes``.

    Returns
    -------
    dict of str to float
        ``<metric>``, ``<metric>_low``, ``<metric>_high`` and, of at most 50 classes,
        ``<figure>_per_class/<class>``.
    """
    figures = {name: found.value for name, found in measured.items()}
    for end in ("low", "high"):
        figures |= {f"{name}_{end}": getattr(found, end) for name, found in measured.items()}
    if len(classes) <= MAX_CLASS_METRICS:
        names = _as_names(classes["class"])
        for column in ("precision", "recall", "f1", "roc_auc"):
            for name, value in zip(names, classes[column], strict=True):
                figures[f"{column}_per_class/{name}"] = value
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}


def _as_names(labels: Iterable[str]) -> list[str]:
    """Write labels in the characters that a metric's name may have, each in a way of its own."""
    names = [re.sub(r"[^\w\-. :]", "_", label)[:100].strip(". ") or "_" for label in labels]
    return [
        name if names.count(name) == 1 else f"{name}_{number}" for number, name in enumerate(names)
    ]


def table_of_classes(labels: np.ndarray, scored: Scored, classes: list[Any]) -> pd.DataFrame:
    """Measure every class: ``class``, ``precision``, ``recall``, ``f1``, ``roc_auc``, ``rows``."""
    counted = counts(labels, scored.predicted, len(classes))
    found = {"class": [str(label) for label in classes]} | per_class(counted)
    areas = one_vs_rest(labels, scored.probabilities)
    return pd.DataFrame(found | {"roc_auc": areas, "rows": counted.true})


def table_of_metrics(measured: dict[str, Interval], rivals: Rivals) -> pd.DataFrame:
    """Put every metric beside that of the baseline and the champion (NaN where there is none)."""
    return pd.DataFrame(
        [
            {"metric": name, **found._asdict()}
            | {who: rivals.measured[who].get(name, np.nan) for who in ("baseline", "champion")}
            for name, found in measured.items()
        ]
    )


def predictions(training: Training, scored: Scored) -> pd.DataFrame:
    """Tabulate the answers on the held-out rows.

    Returns
    -------
    DataFrame of n_rows rows
        ``row`` (in the data, from 1), ``truth``, ``prediction`` and ``probability_<class>``.
    """
    classes = training.contract["classes"]
    frame = pd.DataFrame(
        scored.probabilities, columns=[f"probability_{label}" for label in classes]
    )
    frame.insert(0, "prediction", [classes[i] for i in scored.predicted])
    frame.insert(0, "truth", training.labels.tolist())
    frame.insert(0, "row", training.row_numbers)
    return frame
