"""Before anything else: the tracking store answers, and a fresh database is set up once."""

import os
import sqlite3

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from steps.errors import StepError
from steps.locks import alone_at

PATIENCE = 4.0  # seconds
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
MOST_RETRIES = "5"  # a minute; MLflow's own default is more than four


def check_tracking() -> None:
    """Refuse a tracking store that does not answer, and set up a fresh database.

    Raises
    ------
    StepError
        Within five seconds: no server, a wrong password, a database that cannot be opened.
    """
    os.environ.setdefault(RETRIES, MOST_RETRIES)
    os.environ.setdefault("PGCONNECT_TIMEOUT", str(int(PATIENCE)))  # else a silent host is for ever
    uri = mlflow.get_tracking_uri()
    if uri.startswith(("http://", "https://")):
        _ask(uri)
    elif "://" in uri and not uri.startswith(("file:", "databricks")):
        _set_up(uri)


def _ask(uri: str) -> None:
    name, password = (os.environ.get(f"MLFLOW_TRACKING_{n}") for n in ("USERNAME", "PASSWORD"))
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    try:
        answer = requests.get(
            f"{uri.rstrip('/')}/api/2.0/mlflow/experiments/search?max_results=1",
            timeout=PATIENCE,
            auth=(name, password or "") if name else None,
            headers={"Authorization": f"Bearer {token}"} if token else None,
            verify=os.environ.get("MLFLOW_TRACKING_INSECURE_TLS") != "true",
        )
    except requests.RequestException as error:
        raise StepError(
            f"tracking: no MLflow server answers at {_safe(uri)} ({type(error).__name__}); start "
            "it, or set MLFLOW_TRACKING_URI to another"
        ) from error
    if answer.status_code in (401, 403):
        raise StepError(
            f"tracking: {_safe(uri)} refuses {'user ' + repr(name) if name else 'access'} "
            f"(status {answer.status_code}); set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD"
        )
    if not answer.ok:
        raise StepError(
            f"tracking: expected an MLflow server at {_safe(uri)}, got status {answer.status_code}"
        )


def _safe(uri: str) -> str:
    return uri if "@" not in uri else f"...@{uri.rpartition('@')[2]}"


def _set_up(uri: str) -> None:
    try:
        with alone_at(uri, "setup"):  # two first starts at once would break a fresh database
            MlflowClient().search_experiments(max_results=1)
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError, MlflowException) as error:
        reason = str(error).strip().splitlines()[0]
        raise StepError(
            f"tracking: cannot open the database {_safe(uri)}: {reason}; mend that, or set "
            "MLFLOW_TRACKING_URI to another"
        ) from error
