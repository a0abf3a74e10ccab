"""The record of a training: everything worth knowing of it, on the active run."""

from typing import Any

import mlflow
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr

from steps.files import TableFile
from steps.flavors import log_pipeline
from steps.inputs import dataset, log_datasets
from steps.model_summary import summarize
from steps.prepare import Prepared
from steps.preprocessed import log_parameters, log_preprocessed, parameters


def log_training(
    pipeline: Pipeline,
    prepared: Prepared,
    warned: list[str],
    file: TableFile,
    content: bytes,
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
    split = prepared.rows.sha256()
    training, held_out = (
        dataset(features, labels, file.data, file.sha256, f"{split} {part}")
        for part, (features, labels) in enumerate(
            zip(prepared.rows.features, prepared.rows.labels, strict=True)
        )
    )
    log_datasets(file.sha256, training=training, validation=held_out)
    mlflow.set_tags(
        tags
        | {
            "data_sha256": file.sha256,
            "split_sha256": split,
            "sklearn_model_id": info.model_id,
            "model_type": type(classifier).__name__,
            "mlflow.note.content": _description(classifier, prepared, file),
        }
    )


def _logged_params() -> dict[str, str]:
    run = mlflow.active_run()
    return mlflow.get_run(run.info.run_id).data.params if run else {}


def _description(classifier: Any, prepared: Prepared, file: TableFile) -> str:
    contract, counts = prepared.contract, [len(labels) for labels in prepared.rows.labels]
    return (
        f"{type(classifier).__name__} that predicts {contract['target']} "
        f"({len(contract['classes'])} classes) from {len(contract['features'])} features of "
        f"{file.data}: {counts[0]} rows for training, {counts[1]} held out."
    )
