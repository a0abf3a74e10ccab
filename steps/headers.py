"""What the first bytes and the header of a table tell, before any row is read."""

import csv
import gzip
import io
from pathlib import Path
from typing import IO

from steps.errors import StepError

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


def open_binary(path: Path, gzipped: bool) -> IO[bytes]:
    """Open a CSV file for its bytes."""
    return gzip.open(path, "rb") if gzipped else path.open("rb")  # type: ignore[return-value]


def csv_header(path: Path, gzipped: bool) -> list[str]:
    """Read the column names of a CSV file.

    Raises
    ------
    StepError
        When it is no CSV file, or a name stands twice.
    """
    with open_binary(path, gzipped) as file:
        return read_header(file)


def read_header(file: IO[bytes]) -> list[str]:
    """Read the column names of an open CSV file; see ``csv_header``."""
    _check_start(file.read(8))
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    names = next(csv.reader(text), [])
    text.detach()
    check_names(names)
    _check_separator(names)
    return names


def _check_start(start: bytes) -> None:
    if not start.strip():
        raise StepError("expected a header and rows, got an empty file")
    for signature, what in FOREIGN.items():
        if start.startswith(signature):
            raise StepError(f"expected comma-separated UTF-8 text, got {what}; convert it to CSV")


def check_names(names: list[str]) -> None:
    """Refuse a name that stands twice."""
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
