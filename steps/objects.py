"""Objects of the user's own, logged in the form that suits each."""

import tempfile
from pathlib import Path
from typing import Any

import cloudpickle
import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from mlflow import MlflowClient

from steps.storage import json_text

FOLDER = "objects"


def log_object(run_id: str, name: str, value: Any) -> None:
    """Log an object of any kind to a run, under ``objects/``.

    A figure becomes a picture, a DataFrame a table, a text a text, a number a metric, what JSON
    can hold JSON, and anything else a pickle.

    Parameters
    ----------
    run_id : str
    name : str
    value : object
    """
    client, path = MlflowClient(), f"{FOLDER}/{name}"
    if isinstance(value, Figure):
        client.log_figure(run_id, value, f"{path}.png")
    elif isinstance(value, pd.DataFrame):
        indexed = not isinstance(value.index, pd.RangeIndex)
        mlflow.log_table(value.reset_index() if indexed else value, f"{path}.json", run_id=run_id)
    elif isinstance(value, str):
        client.log_text(run_id, value, f"{path}.txt")
    elif isinstance(value, int | float | np.number) and not isinstance(value, bool):
        client.log_metric(run_id, name, float(value))
    else:
        _log_other(client, run_id, path, value)


def _log_other(client: MlflowClient, run_id: str, path: str, value: Any) -> None:
    try:
        client.log_text(run_id, json_text(value), f"{path}.json")
    except (TypeError, ValueError):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"{Path(path).name}.pkl")
            file.write_bytes(cloudpickle.dumps(value))
            client.log_artifact(run_id, str(file), FOLDER)
