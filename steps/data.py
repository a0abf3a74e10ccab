"""The data seat: where the table comes from, and whether it can be trained on."""

import difflib
import hashlib
import shutil
import tempfile
import urllib.request
import warnings
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from mlflow.data.dataset_source_registry import resolve_dataset_source
from sklearn.model_selection import train_test_split

from steps.errors import StepError

FORMATS = (".csv", ".csv.gz", ".parquet")
LABEL_TYPES = ("integer", "boolean", "string", "floating", "empty")


def read_table(data: str) -> tuple[pd.DataFrame, str]:
    """Read a table.

    Parameters
    ----------
    data : str
        A CSV, gzipped CSV or parquet file: a path (relative ones are looked up in the project's
        folder) or a URI that MLflow can download (https, s3, gs, dbfs, runs, ...).

    Returns
    -------
    frame : DataFrame
        Column names are texts; a category column has the type of its categories.
    sha256 : str
        Of the file's bytes, hexadecimal.

    Raises
    ------
    StepError
        When nothing readable is there.
    """
    if not data.lower().endswith(FORMATS):
        raise StepError(f"data: expected a name ending in {', '.join(FORMATS)}, got {data!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = _local_path(data, folder)
        sha256 = _sha256(path)
        frame = _parse(path, data)
    frame.columns = frame.columns.map(str)
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].astype(frame[name].cat.categories.dtype)
    return frame, sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _local_path(data: str, folder: str) -> Path:
    if "://" in data or data.startswith(("runs:/", "models:/", "dbfs:/")):
        return _download(data, folder)
    path = Path(data).expanduser().resolve()
    if not path.is_file():
        what = "a folder" if path.is_dir() else "nothing"
        raise StepError(
            f"data: expected a file, found {what} at {path}; give an absolute path or a URI "
            "(a relative path is looked up in the project's folder, which for a run from a git "
            "URL is a fresh clone)"
        )
    return path


def _download(uri: str, folder: str) -> Path:
    try:
        if uri.startswith(("http://", "https://", "file://")):  # MLflow would retry for minutes
            path = Path(folder, "download" + "".join(Path(uri).suffixes[-2:]))
            with urllib.request.urlopen(uri, timeout=60) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file)
            return path
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two of MLflow's sources claim the same scheme
            return Path(resolve_dataset_source(uri).load(folder))  # type: ignore[call-arg]
    except Exception as error:  # each store raises its own
        raise StepError(f"data: cannot download {uri}: {str(error).splitlines()[0]}") from error


def _parse(path: Path, data: str) -> pd.DataFrame:
    try:
        if data.lower().endswith(".parquet"):
            return pd.read_parquet(path)
        gzipped = data.lower().endswith(".gz")
        return pd.read_csv(path, compression="gzip" if gzipped else None, low_memory=False)
    except Exception as error:  # pandas, pyarrow and zlib raise a dozen kinds
        reason = str(error).strip().splitlines()[0]
        raise StepError(f"data: cannot read {data} as {path.suffix[1:]}: {reason}") from error


def select_columns(
    frame: pd.DataFrame, target: str, drop: Iterable[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """Split a table into features and labels.

    Parameters
    ----------
    frame : DataFrame
    target : str
        The label column: integers, booleans or texts, no nulls, two classes or more.
    drop : iterable of str
        Columns to leave out.

    Returns
    -------
    features : DataFrame
    labels : Series

    Raises
    ------
    StepError
        When a column is missing or the labels cannot be learned.
    """
    drop = list(drop)
    for parameter, name in [("target", target), *(("drop", name) for name in drop)]:
        if name not in frame:
            near = difflib.get_close_matches(name, frame.columns, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise StepError(
                f"{parameter}: no column {name!r} in the data; {hint}"
                f"columns are {', '.join(frame.columns)}"
            )
    labels = frame[target]
    _check_labels(labels)
    return frame.drop(columns=[target, *drop]), labels


def _check_labels(labels: pd.Series) -> None:
    name = labels.name
    if labels.isna().any():
        rows = [int(row) + 1 for row in labels.index[labels.isna()][:3]]
        raise StepError(
            f"target {name!r}: expected a label in every row, got {labels.isna().sum()} nulls "
            f"(first data rows {rows}); remove those rows"
        )
    kind = pd.api.types.infer_dtype(labels)
    if kind not in LABEL_TYPES:
        raise StepError(f"target {name!r}: expected integers, booleans or texts, got {kind} values")
    counts = labels.value_counts()
    if len(counts) < 2:
        raise StepError(
            f"target {name!r}: expected two classes or more, got {counts.index.tolist()}"
        )
    if pd.api.types.is_float_dtype(labels) and len(counts) > 20 and (labels % 1 != 0).any():
        raise StepError(
            f"target {name!r}: expected classes, got {len(counts)} different decimal numbers; "
            "this is a regression target: bin it into classes first"
        )
    if counts.min() < 2:
        rare = counts.index[counts < 2].tolist()
        raise StepError(
            f"target {name!r}: expected two rows or more of each class, got one of "
            f"{', '.join(map(repr, rare[:5]))}; remove or merge them"
        )


def split(
    features: pd.DataFrame, labels: pd.Series, test_size: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Split into training and held-out rows, stratified by label.

    Parameters
    ----------
    features : DataFrame of n_rows rows
    labels : Series of n_rows
    test_size : float
        Share of held-out rows, between 0 and 1.
    seed : int

    Returns
    -------
    train_features, held_out_features : DataFrame
    train_labels, held_out_labels : Series

    Raises
    ------
    StepError
        When the share leaves one part with fewer rows than classes.
    """
    if not 0 < test_size < 1:
        raise StepError(f"test_size: expected a share between 0 and 1, got {test_size}")
    try:
        return train_test_split(
            features, labels, test_size=test_size, random_state=seed, stratify=labels
        )
    except ValueError as error:
        raise StepError(
            f"test_size: {test_size} cannot split {len(labels)} rows: {error}"
        ) from error
