"""Plots of the held-out rows, for people: class names, no overlap, also with ten classes."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    auc,
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_curve,
)

Curves = list[tuple[str, np.ndarray, np.ndarray]]  # names may be alike when cut
DrawCurve = Callable[[Axes, np.ndarray, np.ndarray, str], None]

MAX_CURVES = 10
LABEL_LENGTH = 24


def draw(
    labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, classes: Sequence
) -> dict[str, Figure]:
    """Draw every plot.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n_rows,), int
        Class indices.
    probabilities : ndarray of shape (n_rows, n_classes), float
    classes : sequence of n_classes labels

    Returns
    -------
    dict of str to Figure
        By file name.
    """
    names = [readable(str(label)) for label in classes]
    chosen = [1] if len(names) == 2 else _largest(labels, len(names))
    curves = [
        (names[i], labels == i, probabilities[:, i]) for i in chosen if 0 < np.mean(labels == i) < 1
    ]
    return {
        "confusion_matrix.png": _confusion(labels, predicted, names),
        "roc_curve.png": _curves(curves, _draw_roc, "False positive rate", "True positive rate"),
        "precision_recall_curve.png": _curves(curves, _draw_precision, "Recall", "Precision"),
        "calibration_curve.png": _curves(
            curves, _draw_calibration, "Predicted probability", "Observed share"
        ),
    }


def _largest(labels: np.ndarray, n_classes: int) -> np.ndarray:
    counts = np.bincount(labels, minlength=n_classes)
    return np.sort(np.argsort(-counts, kind="stable")[:MAX_CURVES])


def readable(label: str) -> str:
    """Shorten a label, and keep matplotlib from reading anything into it."""
    text = label if len(label) <= LABEL_LENGTH else f"{label[: LABEL_LENGTH - 1]}…"
    # matplotlib reads $ as mathematics, and hides a legend entry that starts with _
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def _confusion(labels: np.ndarray, predicted: np.ndarray, names: list[str]) -> Figure:
    counts = confusion_matrix(labels, predicted, labels=np.arange(len(names)))
    side = min(4.5 + 0.45 * len(names), 16.0)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="Share of the true class", shrink=0.8)
    ticks = np.arange(len(names))
    axes.set(xlabel="Predicted", ylabel="True", xticks=ticks, yticks=ticks)
    axes.set_xticklabels(names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticklabels(names)
    if len(names) <= 25:
        for row, column in np.ndindex(counts.shape):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=color)
    return figure


def _curves(curves: Curves, draw_curve: DrawCurve, xlabel: str, ylabel: str) -> Figure:
    figure = Figure(figsize=(6.8, 4.4), dpi=150, layout="constrained")
    axes = figure.subplots()
    for name, truth, scores in curves:
        draw_curve(axes, truth, scores, name)
    if draw_curve is not _draw_precision:
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    if curves:
        figure.legend(loc="outside right upper")
    return figure


def _draw_roc(axes: Axes, truth: np.ndarray, scores: np.ndarray, name: str) -> None:
    x, y, _ = roc_curve(truth, scores)
    axes.plot(x, y, label=f"{name} (AUC {auc(x, y):.3f})")


def _draw_precision(axes: Axes, truth: np.ndarray, scores: np.ndarray, name: str) -> None:
    precision, recall, _ = precision_recall_curve(truth, scores)
    area = average_precision_score(truth, scores)
    axes.step(recall, precision, where="post", label=f"{name} (AP {area:.3f})")


def _draw_calibration(axes: Axes, truth: np.ndarray, scores: np.ndarray, name: str) -> None:
    observed, predicted = calibration_curve(truth, scores, n_bins=10, strategy="quantile")
    axes.plot(predicted, observed, marker="o", markersize=3, label=name)
