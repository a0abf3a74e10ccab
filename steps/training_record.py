"""The record of a training: everything worth knowing of it, on the active run."""

from typing import Any

import mlflow
import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr

from steps.epochs import validation_positions
from steps.files import TableFile
from steps.flavors import log_pipeline
from steps.inputs import dataset, log_datasets, origin_of
from steps.losses import log_losses
from steps.model_summary import summarize
from steps.outage import without_password
from steps.prepare import Prepared
from steps.preprocessed import log_parameters, log_preprocessed, parameters
from steps.recorder import Datasets, Logged


def log_training(
    pipeline: Pipeline,
    prepared: Prepared,
    warned: list[str],
    file: TableFile,
    content: bytes,
    datasets: Datasets,
    **tags: str,
) -> None:
    """Log what a training was made of, and what came of it, to the active run.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    prepared : Prepared
    warned : list of str
        By the fit.
    file : TableFile
    content : bytes
        The pickled pipeline.
    datasets : mapping of str to Logged
        As from ``log_parts``.
    **tags : str
        To log with those of data and model.
    """
    contract, classifier = prepared.contract, pipeline["classifier"]
    params = classifier.get_params(deep=False) | parameters(pipeline, contract)
    log_parameters(params, known=_logged_params())
    found = prepared.warnings + warned
    mlflow.log_metric("data_warnings", len(found))
    mlflow.log_dict({"warnings": found, "dropped": prepared.dropped}, "data_warnings.json")
    mlflow.log_dict(summarize(pipeline, len(content)), "model_summary.json")
    mlflow.log_text(estimator_html_repr(pipeline), "estimator.html")
    log_preprocessed(pipeline, contract, prepared.matrices[0])
    info = log_pipeline(pipeline, content, prepared.matrices[0], name="pipeline")
    log_losses(pipeline, prepared.parts(), contract["threshold"], datasets)
    mlflow.set_tags(
        tags
        | origin_of(file)
        | {
            "split_sha256": prepared.rows.sha256(),
            "sklearn_model_id": info.model_id,
            "model_type": type(classifier).__name__,
            "mlflow.note.content": _description(classifier, prepared, file),
        }
    )


def log_parts(pipeline: Pipeline, prepared: Prepared, file: TableFile) -> dict[str, Logged]:
    """Log the training and validation rows to the active run as MLflow datasets, before the fit.

    Parameters
    ----------
    pipeline : Pipeline
        A network takes its validation rows from the training rows. For any other classifier they
        are the held-out rows, which are watched and decide nothing.
    prepared : Prepared
    file : TableFile

    Returns
    -------
    dict of str to Logged
        By context: ``training`` and ``validation``.
    """
    (features, held_out), (labels, held_out_labels) = prepared.rows
    split = prepared.rows.sha256()
    chosen = validation_positions(pipeline["classifier"], prepared.indices[0])
    training = features, labels, f"{split} 0"
    validation = held_out, held_out_labels, f"{split} 1"
    if len(chosen):
        kept = np.setdiff1d(np.arange(len(labels)), chosen)
        training = features.iloc[kept], labels.iloc[kept], f"{split} 0 without {chosen.tolist()}"
        validation = features.iloc[chosen], labels.iloc[chosen], f"{split} 0 {chosen.tolist()}"
    found = {
        context: dataset(rows, of_rows, file.data, file.sha256, part)
        for context, (rows, of_rows, part) in {
            "training": training,
            "validation": validation,
        }.items()
    }
    log_datasets(origin_of(file), **found)
    return {context: Logged(one.name, one.digest) for context, one in found.items()}


def _logged_params() -> dict[str, str]:
    run = mlflow.active_run()
    return mlflow.get_run(run.info.run_id).data.params if run else {}


def _description(classifier: Any, prepared: Prepared, file: TableFile) -> str:
    contract, counts = prepared.contract, [len(labels) for labels in prepared.rows.labels]
    return (
        f"{type(classifier).__name__} that predicts {contract['target']} "
        f"({len(contract['classes'])} classes) from {len(contract['features'])} features of "
        f"{without_password(file.data)}: {counts[0]} rows for training, {counts[1]} held out."
    )
