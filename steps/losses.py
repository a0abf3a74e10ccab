"""How the loss went while a classifier was fitted, and how well it knows its training rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import mlflow
import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from custom_model.predictor import decide
from steps.counts import log_loss
from steps.epochs import MOST_ROWS
from steps.fitting import SMALL
from steps.metrics import measure
from steps.recorder import Datasets, metric, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Parts = Mapping[str, tuple[np.ndarray, np.ndarray]]


def curves(pipeline: Pipeline, parts: Parts) -> dict[str, np.ndarray]:
    """Compute the log loss after each iteration of a fit.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    parts : mapping of str to (matrix, indices)
        Encoded rows, of which the first 10,000 are used, and their class indices. A network
        remembers the losses of its epochs, on its own training and validation rows; of the parts
        of these names the rows are not used.

    Returns
    -------
    dict of str to ndarray of shape (n_iterations,), float
        By ``<part>_loss``. One value, the final one, for a classifier without iterations.
    """
    remembered = getattr(pipeline["classifier"], "epochs_", {})
    return {
        f"{part}_loss": np.array(remembered.get(f"{part}_loss") or _staged(pipeline, *rows))
        for part, rows in parts.items()
    }


def _staged(pipeline: Pipeline, matrix: np.ndarray, indices: np.ndarray) -> list[float]:
    classifier, indices = pipeline["classifier"], indices[:MOST_ROWS]
    with threadpool_limits(1 if matrix.size < SMALL else None, user_api="openmp"):
        X = pipeline[:-1].transform(matrix[:MOST_ROWS])
        if hasattr(classifier, "staged_predict_proba"):
            return [log_loss(indices, scores) for scores in classifier.staged_predict_proba(X)]
        return [log_loss(indices, classifier.predict_proba(X))]


def training_metrics(
    pipeline: Pipeline, matrix: np.ndarray, indices: np.ndarray, threshold: float | None
) -> dict[str, float]:
    """Measure every metric of the seat on the first 10,000 training rows.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    matrix : ndarray of shape (n_rows, n_encoded), float32
    indices : ndarray of shape (n_rows,), int
        Class indices.
    threshold : float or None
        Decision threshold, for two classes.

    Returns
    -------
    dict of str to float
        By ``training_<metric>``; NaN where a metric is not defined on these rows.
    """
    scores = pipeline.predict_proba(matrix[:MOST_ROWS])
    measured = measure(indices[:MOST_ROWS], decide(scores, threshold), scores)
    return {f"training_{name}": value for name, value in measured.items()}


def loss_curve(losses: Mapping[str, np.ndarray], best_epoch: int | None = None) -> "Figure":
    """Draw losses over iterations.

    Parameters
    ----------
    losses : mapping of str to ndarray of shape (n_iterations,)
        As made by ``curves``.
    best_epoch : int, optional
        Whose weights were kept.

    Returns
    -------
    Figure
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.8, 4.4), dpi=150, layout="constrained")
    axes = figure.subplots()
    for name, values in losses.items():
        steps = _steps(values, losses)
        label = name.removesuffix("_loss").capitalize()
        axes.plot(steps, values, label=label, marker="o" if len(values) == 1 else None)
    if best_epoch is not None:
        axes.axvline(best_epoch, color="grey", linestyle=":", label=f"Best epoch ({best_epoch})")
    axes.set(xlabel="Iteration" if best_epoch is None else "Epoch", ylabel="Log loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    return figure


def _steps(values: np.ndarray, losses: Mapping[str, np.ndarray]) -> range:
    last = max(map(len, losses.values()))  # a final value stands at the end of the others' curves
    return range(last - len(values) + 1, last + 1)


def log_losses(
    pipeline: Pipeline, parts: Parts, threshold: float | None, datasets: Datasets | None = None
) -> None:
    """Log curves, ``plots/loss_curve.png`` and training metrics to the active run.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    parts : mapping of str to (matrix, indices)
        ``training`` and ``validation`` rows; of a network with early stopping, only the metrics
        of the training rows are taken, for its losses are logged already.
    threshold : float or None
        Decision threshold, for two classes.
    datasets : mapping of str to Logged, optional
        What to link the metrics to.
    """
    run = mlflow.active_run()
    remembered = getattr(pipeline["classifier"], "epochs_", {})
    losses = curves(pipeline, parts)
    metrics = [
        metric(name.removesuffix("_loss"), value, step, datasets or {})
        for name, values in losses.items()
        if not remembered.get(name)
        for step, value in zip(_steps(values, losses), values.tolist(), strict=True)
    ]
    write(run.info.run_id if run else "", metrics)
    measured = training_metrics(pipeline, *parts["training"], threshold)
    mlflow.log_metrics({name: value for name, value in measured.items() if np.isfinite(value)})
    if max(map(len, losses.values())) > 1:  # two points are no curve
        figure = loss_curve(losses, remembered.get("best_epoch"))
        mlflow.log_figure(figure, "plots/loss_curve.png")
