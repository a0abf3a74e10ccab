"""The data of a run: as MLflow datasets, and the file itself where it is small."""

import hashlib
import json
import shutil
import tempfile
import warnings
from pathlib import Path
from urllib.parse import urlparse

import mlflow
import pandas as pd
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.dataset_source_registry import get_dataset_source_from_json
from mlflow.data.pandas_dataset import PandasDataset, from_pandas

from steps.dvc import dvc_tags
from steps.files import TableFile
from steps.outage import without_password
from steps.uris import MLFLOW_URIS

MAX_COPIED = 5_000_000  # bytes of a data file that is kept whole
DIGEST_LENGTH = 12
SCHEMA_ROWS = 1000


def log_file(file: TableFile) -> None:
    """Log where the data came from and its hash to the active run; the file too, if small.

    The artifact is ``data/<file name>``, of at most 5 MB; ``data/source.json`` says of any file
    what it was.
    """
    size = file.path.stat().st_size
    said = {"source": without_password(file.data), "sha256": file.sha256, "bytes": size}
    mlflow.log_dict(said | dvc_tags(file.path), "data/source.json")
    if size <= MAX_COPIED:
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copyfile(file.path, Path(folder, file_name(file.data)))
            mlflow.log_artifact(str(copy), "data")


def origin_of(file: TableFile) -> dict[str, str]:
    """Tell which data this is, for tags: its hash, and where DVC has it from."""
    return {"data_sha256": file.sha256} | dvc_tags(file.path)


def file_name(data: str) -> str:
    """Name the file that a path or URI ends in."""
    return Path(urlparse(data).path if "://" in data else data).name


def dataset(
    features: pd.DataFrame, labels: pd.Series, data: str, sha256: str, part: str
) -> PandasDataset:
    """Describe a part of a table as an MLflow dataset.

    Parameters
    ----------
    features : DataFrame of n_rows rows
    labels : Series of n_rows
    data : str
        Path or URI of the whole table.
    sha256 : str
        Of the file, hexadecimal: MLflow's own digest sees the first 10,000 rows only.
    part : str
        Which rows these are, such as a hash of the split.

    Returns
    -------
    PandasDataset
    """
    source = without_password(data)
    # MLflow knows a data set again by its name and digest, and would keep the first one's source
    digest = hashlib.sha256(f"{sha256} {part} {source}".encode()).hexdigest()[:DIGEST_LENGTH]
    rows = features.copy(deep=False)
    rows[str(labels.name)] = labels
    about = {"targets": str(labels.name), "name": file_name(data).partition(".")[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sources alike, and of integers that may have nulls
        place = _source(source)
        found = from_pandas(rows, source=place, digest=digest, **about)
        # MLflow would look at every cell of a text column: seconds, for the same schema
        sample = from_pandas(rows.head(SCHEMA_ROWS), source=place, digest=digest, **about)
        found.__dict__["schema"] = sample.schema  # its cached property
    return found


def _source(source: str) -> str | DatasetSource:
    if not source.startswith(MLFLOW_URIS):
        return source
    # MLflow recognizes no URI of its own as a source; its local one loads them all
    return get_dataset_source_from_json(json.dumps({"uri": source}), "local")


def log_datasets(tags: dict[str, str], **datasets: PandasDataset) -> None:
    """Log datasets to the active run, each under the name of its context.

    Parameters
    ----------
    tags : dict of str to str
        Of which those of the data's hash and of DVC tell where the data came from.
    **datasets : PandasDataset
    """
    origin = {k: v for k, v in tags.items() if k == "data_sha256" or k.startswith("dvc_")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of integers that may have nulls: the contract allows it
        mlflow.log_inputs(
            datasets=list(datasets.values()),
            contexts=list(datasets),
            tags_list=[origin for _ in datasets],
        )
