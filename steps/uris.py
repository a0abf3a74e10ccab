"""From a URI to a file or folder on this machine."""

import shutil
import urllib.request
from base64 import b64encode
from pathlib import Path
from urllib.parse import unquote, urlparse

from mlflow.artifacts import download_artifacts
from mlflow.utils.file_utils import local_file_uri_to_path

from steps.errors import StepError

MLFLOW_URIS = ("runs:/", "models:/", "mlflow-artifacts:/", "dbfs:/")


def is_uri(data: str) -> bool:
    """Tell a URI from a path."""
    return "://" in data or data.startswith(MLFLOW_URIS)


def name_in(data: str) -> str:
    """Find the file's name in a path or URI, whose query may sign it; in lower case."""
    return (urlparse(data).path if data.startswith(("http://", "https://")) else data).lower()


def local_source(uri: str, folder: str, parameter: str) -> Path:
    """Download what a URI names, a file or a folder.

    Parameters
    ----------
    uri : str
    folder : str
        To download to; what a ``file:`` URI names stays where it is.
    parameter : str
        The name that the user knows it by.

    Raises
    ------
    StepError
        When that fails.
    """
    try:
        if uri.startswith("file://") and Path(local_file_uri_to_path(uri)).is_dir():
            return Path(local_file_uri_to_path(uri))
        if uri.startswith(("http://", "https://", "file://")):  # MLflow would retry for minutes
            path = Path(folder, "download" + "".join(Path(name_in(uri)).suffixes[-2:]))
            request = _request(uri)
            with urllib.request.urlopen(request, timeout=60) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file)
            return path
        return Path(download_artifacts(uri, dst_path=folder))
    except Exception as error:  # each store raises its own
        reason = str(error).splitlines()[0]
        raise StepError(f"{parameter}: cannot download {uri}: {reason}") from error


def _request(uri: str) -> urllib.request.Request:
    """Ask with the user and password of a URI, which urllib would take for the host, and tell."""
    parts = urlparse(uri)
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(parts._replace(netloc=host).geturl())
    if parts.username is not None:
        known = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        # of another host, to which this one may redirect, it is no business
        request.add_unredirected_header("Authorization", f"Basic {b64encode(known).decode()}")
    return request
