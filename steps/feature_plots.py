"""Plots of features and thresholds, for people."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from steps.plots import MAX_CURVES, readable

MAX_BARS = 20


def draw_importances(ranked: pd.DataFrame, metric: str) -> Figure:
    """Draw permutation importances.

    Parameters
    ----------
    ranked : DataFrame
        As from ``importances``; the twenty strongest are drawn.
    metric : str
        In which they are measured.

    Returns
    -------
    Figure
    """
    shown = ranked.head(MAX_BARS).iloc[::-1]
    figure = Figure(figsize=(6.8, 1.2 + 0.28 * len(shown)), dpi=150, layout="constrained")
    axes = figure.subplots()
    names = [readable(str(name)) for name in shown["feature"]]
    axes.barh(
        np.arange(len(shown)), shown["importance"], xerr=shown["deviation"],
        color="C0", ecolor="grey",
    )  # fmt: skip
    axes.set_yticks(np.arange(len(shown)), names)
    axes.axvline(0, color="grey", linewidth=1)
    axes.set_xlabel(f"How much {readable(metric)} worsens when the feature is permuted")
    axes.grid(axis="x", alpha=0.3)
    return figure


def draw_dependence(curve: pd.DataFrame, feature: str, classes: Sequence[Any]) -> Figure:
    """Draw how the mean prediction depends on one feature.

    Parameters
    ----------
    curve : DataFrame
        As from ``dependence``.
    feature : str
    classes : sequence of n_classes labels

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(6.8, 4.4), dpi=150, layout="constrained")
    axes = figure.subplots()
    texts = [readable(one) if isinstance(one, str) else one for one in curve["value"]]
    shown = [1] if len(classes) == 2 else range(min(len(classes), MAX_CURVES))
    apart = bool(texts) and isinstance(texts[0], str)  # categories are no line
    places = np.arange(len(texts)) if apart else texts
    for position in shown if texts else []:
        name = readable(str(classes[position]))
        axes.plot(places, curve[position], "o" if apart else "o-", markersize=4, label=name)
    if apart:
        axes.set_xticks(places, texts, rotation=45, ha="right", rotation_mode="anchor")
    axes.set(xlabel=readable(feature), ylabel="Mean predicted probability", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    if texts:
        figure.legend(loc="outside right upper")
    return figure


def draw_trade_off(table: pd.DataFrame, positive: Any, threshold: float) -> Figure:
    """Draw what each decision threshold would give.

    Parameters
    ----------
    table : DataFrame
        As from ``trade_off``.
    positive : label
        The second class.
    threshold : float
        The one in use.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(6.8, 4.4), dpi=150, layout="constrained")
    axes = figure.subplots()
    names = {"positives": "Share predicted"}
    for name in ("precision", "recall", "f1", "positives"):
        axes.plot(table["threshold"], table[name], label=names.get(name, name.capitalize()))
    axes.axvline(threshold, color="grey", linestyle=":", label="Threshold in use")
    axes.set(
        xlabel=f"Predict {readable(str(positive))} above this probability",
        xlim=(0, 1),
        ylim=(-0.02, 1.02),
    )
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    return figure
