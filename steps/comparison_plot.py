"""The plot of a comparison: a small panel for each metric, a dot with its interval for each run."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from steps.comparison import shortened
from steps.metrics import LOSSES, METRICS

COLUMNS = 3
MOST_RUNS = 20  # the best of more
LABEL_LENGTH = 26


def draw_comparison(table: pd.DataFrame, metric: str, differing: list[str]) -> Figure:
    """Draw runs side by side.

    Parameters
    ----------
    table : DataFrame of n_runs rows
        As from ``tabulate``, best first.
    metric : str
        By which they are ordered; its panel is the first.
    differing : list of str
        What keeps this from being a comparison of like with like; stands on top.

    Returns
    -------
    Figure
    """
    shown = table.head(MOST_RUNS)
    metrics = [metric, *(name for name in METRICS if name in table and name != metric)]
    n_rows = -(-len(metrics) // COLUMNS)
    height = 0.9 + n_rows * (0.75 + 0.42 * len(shown)) + 0.2 * len(differing)
    figure = Figure(figsize=(12, height), layout="constrained")
    panels = figure.subplots(n_rows, COLUMNS, squeeze=False, sharey=True)
    for axes, name in zip(panels.flat, metrics, strict=False):
        _draw_panel(axes, shown, name)
    for axes in panels.flat[len(metrics) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        axes.set_yticks(np.arange(len(shown)), [_label(row) for _, row in shown.iterrows()])
        axes.set_ylim(len(shown) - 0.5, -0.5)  # the best on top
    panels[0, 0].title.set_fontweight("bold")
    figure.suptitle(_title(shown, len(table), metric, differing), fontsize=11)
    return figure


def _draw_panel(axes: Axes, table: pd.DataFrame, name: str) -> None:
    colors = [f"C{place % 10}" for place in range(len(table))]
    places = np.arange(len(table))
    low, high = (
        table.get(f"{name}_{end}", table[name]).fillna(table[name]) for end in ("low", "high")
    )
    axes.hlines(places, low, high, colors=colors, linewidth=2)
    axes.scatter(table[name], places, c=colors, s=36, zorder=3)
    axes.set_title(f"{name} (less is better)" if name in LOSSES else name, fontsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.margins(x=0.08)
    axes.grid(axis="x", alpha=0.3)


def _label(row: pd.Series) -> str:
    names = [row["label"], row["classifier"].rpartition(".")[2]]
    # matplotlib reads $ as mathematics
    return "\n".join(shortened(name, LABEL_LENGTH).replace("$", r"\$") for name in names if name)


def _title(shown: pd.DataFrame, total: int, metric: str, differing: list[str]) -> str:
    which = f"the best {len(shown)} of {total} runs" if len(shown) < total else f"{total} runs"
    title = f"{which} by {metric}" + (", 95% intervals" if f"{metric}_low" in shown else "")
    warnings = [f"NOT LIKE WITH LIKE: {difference}" for difference in differing]
    lines = [line for text in warnings for line in textwrap.wrap(text.replace("$", r"\$"), 130)]
    return "\n".join([title, *lines])
