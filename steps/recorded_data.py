"""The very data that a past run was made of, wherever it is now."""

from pathlib import Path

from mlflow import MlflowClient

from steps.errors import StepError
from steps.files import local_path
from steps.folders import sha256_of
from steps.inputs import file_name
from steps.outage import without_password
from steps.parameters import PROJECT
from steps.recorded import Recorded
from steps.uris import is_uri


def find_data(recorded: Recorded, project: Path, data_now: str, folder: Path) -> Path:
    """Find the very data that a run was made of.

    Parameters
    ----------
    recorded : Recorded
    project : Path
        The code of the run: its commit may hold the data.
    data_now : str
        Path or URI. Empty: where it was.
    folder : Path
        For what is downloaded.

    Returns
    -------
    Path

    Raises
    ------
    StepError
        When it is not there, or other data is.
    """
    was, expected = recorded.train_run.data.params["data"], recorded.tags["data_sha256"]
    inside = not (data_now or is_uri(was) or Path(was).expanduser().is_absolute())
    places = [str(project / was), str(PROJECT / was)] if inside else [data_now or was]
    for place in places:
        try:
            path = local_path(place, str(folder))
        except StepError as error:
            found = str(error).partition(";")[0]
            continue
        sha256 = sha256_of(path)
        if sha256 == expected:
            return path
        found = f"data: {without_password(place)} has the SHA-256 {sha256}"
    raise StepError(
        f"{found}; run {recorded.run_id} was made of {was} with the SHA-256 {expected}: say where "
        f"that is now with data_now=<path or URI>{_copy(recorded, was)}"
    )


def _copy(recorded: Recorded, was: str) -> str:
    """Name the copy of the data that a run keeps of a small file."""
    path = f"data/{file_name(was)}"
    kept = {file.path for file in MlflowClient().list_artifacts(recorded.run_id, "data")}
    return (
        f"; the run keeps a copy: data_now=runs:/{recorded.run_id}/{path}" if path in kept else ""
    )
