"""From a path or URI to a table, and a plain word where there is none."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from steps import dvc
from steps.errors import StepError
from steps.folders import sha256_of
from steps.headers import check_names, csv_header, open_binary
from steps.ragged import check_rows
from steps.uris import is_uri, local_source, name_in

FORMATS = (".csv", ".csv.gz", ".parquet")


class TableFile(NamedTuple):
    """A table's file, on this machine."""

    path: Path
    sha256: str  # of its bytes, hexadecimal
    data: str  # as given: path or URI


@contextmanager
def fetched(data: str) -> Iterator[TableFile]:
    """Bring a table's file to this machine and hash it, without reading it.

    Parameters
    ----------
    data : str
        A CSV, gzipped CSV or parquet file: a path (relative ones are looked up in the project's
        folder) or a URI that MLflow can download (https, s3, gs, dbfs, runs, ...).

    Raises
    ------
    StepError
        When nothing is there, or not the version that DVC tracks.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = local_path(data, folder)
        dvc.check(path)
        yield TableFile(path, sha256_of(path), data)


def parse_table(file: TableFile) -> pd.DataFrame:
    """Parse a table.

    Parameters
    ----------
    file : TableFile

    Returns
    -------
    DataFrame
        Column names are texts; a category column has the type of its categories.

    Raises
    ------
    StepError
        When it is not readable.
    """
    path, data = file.path, file.data
    with reading(data):
        frame = _read_parquet(path) if is_parquet(data) else _read_csv(path, is_gzipped(data))
    frame.columns = frame.columns.map(str)
    return frame.apply(_plain)


def read_table(data: str) -> tuple[pd.DataFrame, str]:
    """Fetch and parse a table.

    Parameters
    ----------
    data : str
        As for ``fetched``.

    Returns
    -------
    frame : DataFrame
        As from ``parse_table``.
    sha256 : str
        Of the file's bytes, hexadecimal.

    Raises
    ------
    StepError
        When nothing readable is there.
    """
    with fetched(data) as file:
        return parse_table(file), file.sha256


def _plain(values: pd.Series) -> pd.Series:
    """Undo what only stores numbers or repeated values: categories, decimals, huge integers."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.astype(values.cat.categories.dtype)
    if values.dtype == object and pd.api.types.infer_dtype(values) in ("decimal", "integer"):
        return values.astype(np.float64)
    return values


def is_parquet(data: str) -> bool:
    """Tell by its name whether a file is parquet."""
    return name_in(data).endswith(".parquet")


def is_gzipped(data: str) -> bool:
    """Tell by its name whether a file is gzipped."""
    return name_in(data).endswith(".gz")


def has_ending(data: str) -> bool:
    """Tell by its name whether a file is a table."""
    return name_in(data).endswith(FORMATS)


def local_path(data: str, folder: str, parameter: str = "data") -> Path:
    """Find a table, or download it.

    Parameters
    ----------
    data : str
        As ``read_table`` takes it.
    folder : str
        For what is downloaded.
    parameter : str
        The name that the user knows it by.

    Returns
    -------
    Path

    Raises
    ------
    StepError
        When no file is there, or its name has none of the known endings.
    """
    if not has_ending(data):
        expected = ", ".join(FORMATS)
        raise StepError(f"{parameter}: expected a name ending in {expected}, got {data!r}")
    if is_uri(data):
        return local_source(data, folder, parameter)
    path = Path(os.path.abspath(Path(data).expanduser()))  # a link stays one: DVC lays links
    if not path.is_file():
        dvc.check_pulled(path, parameter)
        what = "a folder" if path.is_dir() else "nothing"
        raise StepError(
            f"{parameter}: expected a file, found {what} at {path}; give an absolute path or a URI "
            "(a relative path is looked up in the project's folder, which for a run from a git "
            "URL is a fresh clone)"
        )
    return path


@contextmanager
def reading(data: str, parameter: str = "data") -> Iterator[None]:
    """Say in one line, and by the name of its parameter, why a file cannot be read."""
    try:
        yield
    except StepError as error:
        raise StepError(f"{parameter}: {data}: {error}") from error
    except UnicodeDecodeError as error:
        raise StepError(
            f"{parameter}: {data}: expected UTF-8, got byte {error.object[error.start]:#x}; save "
            "the file as UTF-8"
        ) from error
    except Exception as error:  # pandas, pyarrow and zlib raise a dozen kinds
        reason = str(error).strip().splitlines()[0]
        raise StepError(f"{parameter}: cannot read {data}: {reason}") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    check_names(pq.read_schema(path).names)
    frame = pd.read_parquet(path)
    # an index with a name is a column like any other
    saved = not isinstance(frame.index, pd.RangeIndex) and frame.index.names != [None]
    return frame.reset_index(drop=not saved)


def _read_csv(path: Path, gzipped: bool) -> pd.DataFrame:
    names = csv_header(path, gzipped)
    with open_binary(path, gzipped) as file:
        check_rows(file, len(names))
    return pd.read_csv(path, compression="gzip" if gzipped else None, low_memory=False)
