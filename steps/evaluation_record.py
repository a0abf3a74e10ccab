"""The record of an evaluation: figures, tables, plots and predictions, on the active run."""

import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Run

from steps import console
from steps.bootstrap import Interval, Scored
from steps.feature_plots import draw_dependence, draw_importances, draw_trade_off
from steps.importances import dependence, importances
from steps.inputs import dataset, log_datasets
from steps.judgement import Rivals
from steps.metrics import OBJECTS, named
from steps.objects import log_object
from steps.plots import draw
from steps.storage import Training
from steps.tables import figures_of, predictions, table_of_classes, table_of_metrics
from steps.thresholds import trade_off


class Evaluation(NamedTuple):
    """What was found of a training on its held-out rows."""

    training: Training
    train_run: Run
    labels: np.ndarray  # class indices of shape (n_rows,)
    scored: Scored
    measured: dict[str, Interval]
    rivals: Rivals
    slices: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tabulate, by file name."""
        classes = self.training.contract["classes"]
        found = {
            "metrics": table_of_metrics(self.measured, self.rivals),
            "per_class": table_of_classes(self.labels, self.scored, classes),
            "slices": self.slices,
            "importances": self._importances(),
        }
        if len(classes) == 2:
            found["thresholds"] = trade_off(self.labels, self.scored.probabilities)
        return found

    def _importances(self) -> pd.DataFrame:
        training = self.training
        with console.progress("permuting features"):
            return importances(
                training.pipeline, training.contract, training.matrix, self.labels,
                self.rivals.metric,
            )  # fmt: skip

    def figures(self, tables: dict[str, pd.DataFrame]) -> dict[str, Figure]:
        """Draw, by file name."""
        training, ranked = self.training, tables["importances"]
        classes, strongest = training.contract["classes"], ranked["feature"].iloc[0]
        curve = dependence(training.pipeline, training.contract, training.matrix, strongest)
        found = draw(self.labels, *self.scored, classes)
        found["feature_importance.png"] = draw_importances(ranked, self.rivals.metric)
        found["dependence.png"] = draw_dependence(curve, strongest, classes)
        if "thresholds" in tables:
            threshold = training.contract["threshold"]
            found["threshold.png"] = draw_trade_off(tables["thresholds"], classes[1], threshold)
        return found


def log_evaluation(run: Run, evaluation: Evaluation) -> None:
    """Log everything worth knowing of an evaluation to its run, the active one.

    Parameters
    ----------
    run : Run
    evaluation : Evaluation
    """
    training, tags = evaluation.training, evaluation.train_run.data.tags
    tables = evaluation.tables()
    held_out = dataset(
        training.features, training.labels, evaluation.train_run.data.params["data"],
        tags["data_sha256"], f"{tags['split_sha256']} 1",
    )  # fmt: skip
    log_datasets(tags, test=held_out)
    figures = figures_of(evaluation.measured, tables["per_class"])
    mlflow.log_metrics(figures, dataset=held_out, model_id=tags.get("sklearn_model_id"))
    mlflow.log_metrics(evaluation.rivals.figures())
    for name, table in tables.items():
        mlflow.log_table(table, f"{name}.json")
    log_predictions(predictions(training, evaluation.scored))
    for name, make in OBJECTS.items():
        with named(f"OBJECTS[{name!r}]"):
            log_object(run.info.run_id, name, make(evaluation.labels, *evaluation.scored))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label in a script that the font lacks
        for name, figure in evaluation.figures(tables).items():
            mlflow.log_figure(figure, f"plots/{name}")


def log_predictions(answers: pd.DataFrame) -> None:
    """Log the answers on the held-out rows to the active run: ``predictions.parquet``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "predictions.parquet")
        answers.to_parquet(path, index=False)
        mlflow.log_artifact(str(path))
