"""What is recorded while a classifier is fitted: a network's losses, epoch by epoch."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from steps import console
from steps.autolog import autologged
from steps.checkpoints import BEST, CHECKPOINT, log_checkpoint
from steps.epochs import OnEpoch, has_epochs
from steps.errors import Stopped

PAUSE = 0.5  # seconds between two writes: a write for each epoch would take longer than the epoch
MOST_METRICS = 1000  # that MLflow takes in one write


class Logged(NamedTuple):
    """A data set as MLflow knows it."""

    name: str
    digest: str


Datasets = Mapping[str, Logged]  # of the parts training and validation


def metric(
    part: str, value: float, step: int, datasets: Datasets, model_id: str | None = None,
    timestamp: int | None = None,
) -> Metric:  # fmt: skip
    """Build the metric of a loss, linked to its rows and its model where MLflow knows them."""
    rows = datasets.get(part)
    return Metric(
        f"{part}_loss", value, timestamp or _now(), step, model_id=model_id,
        dataset_name=rows and rows.name, dataset_digest=rows and rows.digest,
    )  # fmt: skip


def _now() -> int:
    return int(time.time() * 1000)


def write(run_id: str, metrics: list[Metric]) -> None:
    """Log metrics to a run, in as few writes as MLflow allows."""
    for start in range(0, len(metrics), MOST_METRICS):
        MlflowClient().log_batch(run_id, metrics=metrics[start : start + MOST_METRICS])


class Recorder:
    """Writes losses and checkpoints while the epochs go by.

    Parameters
    ----------
    run_id : str
        The active run.
    every : int
        Epochs from checkpoint to checkpoint; 0 for none.
    rows : mapping of str to str
        What identifies the training rows, for the checkpoints.
    datasets : mapping of str to Logged
    """

    def __init__(
        self, run_id: str, every: int, rows: Mapping[str, str], datasets: Datasets
    ) -> None:
        self.run_id, self.every, self.rows, self.datasets = run_id, every, rows, datasets
        self.timestamps: list[int] = []  # of each epoch that was seen
        self.checkpoints: dict[int, str] = {}  # model ids, by epoch
        self.pending: list[Metric] = []
        self.written = time.monotonic()

    def __call__(self, pipeline: Pipeline) -> None:
        """Take note of an epoch."""
        epoch = len(pipeline["classifier"].epochs_["training_loss"])
        if self.every and epoch % self.every == 0:
            self.checkpoints[epoch] = log_checkpoint(pipeline, epoch, self.rows, CHECKPOINT)
        self._add_new(pipeline)
        if time.monotonic() - self.written > PAUSE:
            self.flush()

    def _add_new(self, pipeline: Pipeline) -> None:
        """Add the losses of all epochs not seen yet: on resuming, also of those before it."""
        epochs = len(pipeline["classifier"].epochs_["training_loss"])
        for epoch in range(len(self.timestamps) + 1, epochs + 1):
            self.timestamps.append(_now())
            self._add(pipeline, epoch)

    def _add(self, pipeline: Pipeline, epoch: int) -> None:
        state, model_id = pipeline["classifier"].epochs_, self.checkpoints.get(epoch)
        at = self.timestamps[epoch - 1]
        self.pending += [
            metric(part, state[f"{part}_loss"][epoch - 1], epoch, self.datasets, model_id, at)
            for part in ("training", "validation")
            if state[f"{part}_loss"]
        ]

    def flush(self) -> None:
        """Write what is not yet written."""
        write(self.run_id, self.pending)
        self.pending, self.written = [], time.monotonic()

    def finish(self, pipeline: Pipeline) -> None:
        """Mark the best epoch: by a metric, and by a tag on its model, logged if it is not yet."""
        self._add_new(pipeline)
        best = pipeline["classifier"].epochs_["best_epoch"]
        self.pending.append(Metric("best_epoch", best, _now(), 0))
        if self.every and best not in self.checkpoints:
            self.flush()
            self.checkpoints[best] = log_checkpoint(pipeline, best, self.rows, BEST)
            self._add(pipeline, best)  # the run has these already: MLflow adds them to the model
        self.flush()
        if self.every:
            MlflowClient().set_logged_model_tags(self.checkpoints[best], {BEST: "true"})


@contextmanager
def recorded(
    pipeline: Pipeline, name: str, every: int, rows: Mapping[str, str],
    datasets: Datasets | None = None,
) -> Iterator[OnEpoch | None]:  # fmt: skip
    """Record a fit to the active run, and show on a terminal how far it is.

    Parameters
    ----------
    pipeline : Pipeline
        That is fitted meanwhile.
    name : str
        Of the classifier, as the user gave it.
    every, rows, datasets
        As of ``Recorder``.

    Yields
    ------
    callable or None
        To be called after each epoch of a classifier that has epochs.
    """
    network = pipeline["classifier"]
    if not has_epochs(network):
        with console.progress(f"fitting {name}"), autologged(network):
            yield None
        return
    run = mlflow.active_run()
    recorder = Recorder(run.info.run_id if run else "", every, rows, datasets or {})
    done = len(getattr(network, "epochs_", {"training_loss": ()})["training_loss"])
    off = not sys.stderr.isatty()
    with tqdm(
        desc=name, total=network.max_iter, initial=done, unit="epoch", leave=False, disable=off
    ) as bar:

        def on_epoch(fitted: Pipeline) -> None:
            recorder(fitted)
            bar.update()

        try:
            yield on_epoch
        except Stopped:
            with suppress(MlflowException):  # a lost server too is told when the run is closed
                recorder.flush()
            raise
    recorder.finish(pipeline)
