"""Rows of a CSV file that are too short or too long, and where they stand."""

import io
from typing import IO
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from steps.errors import StepError

OPEN_QUOTE = "expected an end to every quote, got one without it"


class OddRows:
    """Rows of another width than the header's, as Arrow's parser meets them."""

    def __init__(self, width: int) -> None:
        self.width = width
        # follows the last row: it is met as a row of its own unless that row's quote is open
        self.end = f"{uuid4().hex}{',' * width}"
        self.ended = False
        self._blank = 0
        self._next = 0
        self._ragged: dict[int, str] = {}

    def keep(self, row: pa_csv.InvalidRow) -> str:
        """Handle an invalid row; its number counts from 1, the header included."""
        position = row.number - 2 - self._blank
        if row.text == self.end:
            self.ended = True
        elif not row.text.strip():
            self._blank += 1  # pandas knows no such row
        elif "\n" in row.text and row.text.count('"') % 2:
            self._ragged[position] = OPEN_QUOTE
        else:
            self._ragged[position] = (
                f"expected {self.width} cells, as in the header, got {row.actual_columns}"
            )
        return "skip"

    def place(self, count: int) -> np.ndarray:
        """Find where the next regular rows stand, between the ragged ones."""
        candidates = np.arange(self._next, self._next + count + len(self._ragged))
        rows = candidates[~np.isin(candidates, list(self._ragged))][:count]
        if count:
            self._next = int(rows[-1]) + 1
        while self._next in self._ragged:
            self._next += 1
        return rows

    def passed(self) -> dict[int, str]:
        """Hand over the ragged rows that were passed."""
        passed = {row: why for row, why in self._ragged.items() if row < self._next}
        for row, why in passed.items():
            if why == OPEN_QUOTE:  # it may have swallowed any number of rows
                raise StepError(f"row {row}: {why}")
            del self._ragged[row]
        return passed


class EndedFile(io.RawIOBase):
    """A file with one more row."""

    def __init__(self, file: IO[bytes], end: str) -> None:
        self._parts = [file, io.BytesIO(f"\n{end}\n".encode())]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while self._parts:
            count = self._parts[0].readinto(buffer)  # type: ignore[attr-defined]
            if count:
                return count
            self._parts.pop(0)
        return 0


def check_rows(file: IO[bytes], width: int) -> None:
    """Refuse a ragged table: pandas would fill short rows and shift long ones in silence.

    Parameters
    ----------
    file : binary file
        CSV.
    width : int
        Number of columns.

    Raises
    ------
    StepError
        Naming the first line of another width.
    """
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
