"""Reading of what a run has logged, where it is there."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.utils.uri import is_local_uri


def read_artifacts(run: Run, wanted: Iterable[str]) -> dict[str, bytes]:
    """Read artifacts of a run.

    Parameters
    ----------
    run : Run
    wanted : iterable of str
        Paths of files and of folders.

    Returns
    -------
    dict of str to bytes
        By path; a wanted file that is not there is left out, a folder gives each of its files.
    """
    home = run.info.artifact_uri
    with tempfile.TemporaryDirectory() as folder:
        # what is on this machine is read where it is
        place = None if is_local_uri(home) else folder
        return {
            path: Path(
                mlflow.artifacts.download_artifacts(artifact_uri=f"{home}/{path}", dst_path=place)
            ).read_bytes()
            for path in _present(run, set(wanted))
        }


def _present(run: Run, wanted: set[str]) -> list[str]:
    """List first: each artifact store has its own way to say that a file is not there."""
    client, run_id = MlflowClient(), run.info.run_id
    top = client.list_artifacts(run_id)
    folders = {path.partition("/")[0] for path in wanted}
    inner = [
        file
        for entry in top
        if entry.is_dir and entry.path in folders
        for file in client.list_artifacts(run_id, entry.path)
    ]
    return [
        file.path
        for file in [*top, *inner]
        if not file.is_dir and {file.path, file.path.partition("/")[0]} & wanted
    ]
