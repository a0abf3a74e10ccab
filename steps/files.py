"""From a path or URI to a table, and a plain word where there is none."""

import csv
import gzip
import hashlib
import shutil
import tempfile
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from mlflow.data.dataset_source_registry import resolve_dataset_source

from steps.errors import StepError

FORMATS = (".csv", ".csv.gz", ".parquet")
FOREIGN = {
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PK\x03\x04": "a zip archive (an Excel workbook is one)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a parquet file",
    b"\x1f\x8b": "gzipped data",
    b"SQLite": "an SQLite database",
    b"<": "HTML or XML",
    b"{": "JSON",
    b"[": "JSON",
}


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
        When nothing is there.
    """
    if not data.lower().endswith(FORMATS):
        raise StepError(f"data: expected a name ending in {', '.join(FORMATS)}, got {data!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = _local_path(data, folder)
        yield TableFile(path, _sha256(path), data)


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
    frame = _parse(file.path, file.data)
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
            return _read_parquet(path)
        return _read_csv(path, data.lower().endswith(".gz"))
    except StepError as error:
        raise StepError(f"data: {data}: {error}") from error
    except UnicodeDecodeError as error:
        raise StepError(
            f"data: {data}: expected UTF-8, got byte {error.object[error.start]:#x}; save the file "
            "as UTF-8"
        ) from error
    except Exception as error:  # pandas, pyarrow and zlib raise a dozen kinds
        reason = str(error).strip().splitlines()[0]
        raise StepError(f"data: cannot read {data}: {reason}") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    _check_names(pq.read_schema(path).names)
    frame = pd.read_parquet(path)
    # an index with a name is a column like any other
    saved = not isinstance(frame.index, pd.RangeIndex) and frame.index.names != [None]
    return frame.reset_index(drop=not saved)


def _read_csv(path: Path, gzipped: bool) -> pd.DataFrame:
    opened: Any = gzip.open if gzipped else open
    with opened(path, "rb") as file:
        _check_start(file.read(8))
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    _check_names(names)
    _check_separator(names)
    with opened(path, "rb") as file:
        _check_rows(file, len(names))
    return pd.read_csv(path, compression="gzip" if gzipped else None, low_memory=False)


def _check_start(start: bytes) -> None:
    if not start.strip():
        raise StepError("expected a header and rows, got an empty file")
    for signature, what in FOREIGN.items():
        if start.startswith(signature):
            raise StepError(f"expected comma-separated UTF-8 text, got {what}; convert it to CSV")


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise StepError(
            f"expected every column name once, got {', '.join(map(repr, twice))} more than once; "
            "rename or remove the copies"
        )


def _check_separator(names: list[str]) -> None:
    for separator, what in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) == 1 and separator in names[0]:
            raise StepError(
                f"expected commas between the columns, got {what} in the header "
                f"{names[0]!r:.60}; save the file with commas"
            )


def _check_rows(file: IO[bytes], width: int) -> None:
    """Refuse a ragged table: pandas would fill short rows and shift long ones in silence."""
    ragged: list[pa_csv.InvalidRow] = []

    def keep(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "error" if len(ragged) == 1 else "skip"

    # one column is converted, and as bytes: only the shape of the table is of interest here
    options = pa_csv.ConvertOptions(include_columns=["f0"], column_types={"f0": pa.binary()})
    try:
        with pa_csv.open_csv(
            file,
            read_options=pa_csv.ReadOptions(use_threads=False, autogenerate_column_names=True),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            convert_options=options,
        ) as batches:
            for _ in batches:
                pass
    except pa.ArrowInvalid:
        if not ragged:
            return  # for pandas to say
        row = ragged[0]
        raise StepError(
            f"line {row.number}: expected {width} cells, as in the header, got "
            f"{row.actual_columns}; a cell that holds a comma needs quotes, and a quote its end"
        ) from None
