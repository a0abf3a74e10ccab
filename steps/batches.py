"""A table of any size, a bounded number of rows at a time."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pandas._libs.parsers import STR_NA_VALUES

from steps.errors import StepError
from steps.files import is_gzipped, is_parquet
from steps.headers import check_names, csv_header, open_binary
from steps.ragged import OPEN_QUOTE, EndedFile, OddRows

BATCH_ROWS = 65_536
BLOCK_BYTES = 8 << 20  # of CSV text parsed at a time, and the longest row


class Batch(NamedTuple):
    """Some of a table's rows, counted from 0."""

    rows: np.ndarray  # where in the table each row of the cells stands
    cells: pa.RecordBatch
    ragged: dict[int, str]  # rows without cells -> what is wrong with them


def column_types(path: Path, data: str) -> dict[str, pa.DataType]:
    """Read the columns of a table: all of a CSV file's are texts.

    Raises
    ------
    StepError
        When the file is no table, or a name stands twice.
    """
    if is_parquet(data):
        schema = pq.read_schema(path)
        check_names(schema.names)
        return dict(zip(schema.names, schema.types, strict=True))
    return dict.fromkeys(_csv_names(path, is_gzipped(data)), pa.string())


def read_batches(path: Path, data: str, columns: list[str]) -> Iterator[Batch]:
    """Read a table in batches; how much memory that takes does not depend on its rows.

    Parameters
    ----------
    path : Path
    data : str
        The name that the user gave it, with its ending.
    columns : list of str
        To read; a CSV file's are texts, whatever stands in them, with the nulls of ``read_table``.

    Returns
    -------
    iterator of Batch
        Between them every row of the table, in order.

    Raises
    ------
    StepError
        When the rest of the table cannot be read.
    """
    if is_parquet(data):
        return _evened(_parquet_batches(path, columns))
    return _evened(_csv_batches(path, is_gzipped(data), columns))


def _evened(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Make every batch full, and the last one more than that.

    ONNX Runtime adds up a few rows' trees in another order than many rows': as the end of a batch
    they would differ in the last digit from the same rows in one table.
    """
    waiting: list[Batch] = []
    for batch in batches:
        waiting.append(batch)
        while sum(len(part.rows) for part in waiting) >= 2 * BATCH_ROWS:
            full, rest = _split(_joined(waiting), BATCH_ROWS)
            yield full
            waiting = [rest]
        if sum(len(part.ragged) for part in waiting) >= BATCH_ROWS:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[Batch]) -> Batch:
    return Batch(
        np.concatenate([batch.rows for batch in batches]),
        pa.concat_batches([batch.cells for batch in batches]),
        {row: why for batch in batches for row, why in batch.ragged.items()},
    )


def _split(batch: Batch, count: int) -> tuple[Batch, Batch]:
    stop = int(batch.rows[count])
    before = {row: why for row, why in batch.ragged.items() if row < stop}
    after = {row: why for row, why in batch.ragged.items() if row > stop}
    rows, cells = batch.rows, batch.cells
    return (
        Batch(rows[:count], cells.slice(0, count), before),
        Batch(rows[count:], cells.slice(count), after),
    )


def _parquet_batches(path: Path, columns: list[str]) -> Iterator[Batch]:
    start = 0
    with pq.ParquetFile(path, buffer_size=1 << 20) as file:
        for cells in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
            stop = start + cells.num_rows
            plain = [_plain(cells[name]) for name in columns]
            yield Batch(np.arange(start, stop), pa.record_batch(plain, columns), {})
            start = stop


def _plain(column: pa.Array) -> pa.Array:
    """Undo what only stores repeated values; each batch may store them otherwise."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _csv_names(path: Path, gzipped: bool) -> list[str]:
    csv_header(path, gzipped)
    # pandas has a name of its own for a column without one
    with open_binary(path, gzipped) as file:
        return [str(name) for name in pd.read_csv(file, nrows=0, index_col=False)]


def _csv_batches(path: Path, gzipped: bool, columns: list[str]) -> Iterator[Batch]:
    names = _csv_names(path, gzipped)
    odd = OddRows(len(names))
    with open_binary(path, gzipped) as file:
        try:
            for cells in _csv_blocks(file, odd, [str(names.index(name)) for name in columns]):
                rows = odd.place(cells.num_rows)
                yield Batch(rows, cells.rename_columns(columns), odd.passed())
        except pa.ArrowInvalid as error:
            raise StepError(_reason(str(error))) from error
    if not odd.ended:
        raise StepError(f"last row: {OPEN_QUOTE}")


def _csv_blocks(file: IO[bytes], odd: OddRows, keys: list[str]) -> Iterator[pa.RecordBatch]:
    every_key = [str(key) for key in range(odd.width)]
    with pa_csv.open_csv(
        io.BufferedReader(EndedFile(file, odd.end), BLOCK_BYTES),
        # the numbers of invalid rows are right in one thread and with names given
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=every_key, block_size=BLOCK_BYTES
        ),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=odd.keep),
        convert_options=pa_csv.ConvertOptions(
            include_columns=keys,
            column_types=dict.fromkeys(keys, pa.string()),
            null_values=sorted(STR_NA_VALUES),  # those of pandas.read_csv
            strings_can_be_null=True,
        ),
    ) as blocks:
        n_header = 1
        for block in blocks:
            skipped = min(n_header, block.num_rows)
            block, n_header = block.slice(skipped), n_header - skipped
            for start in range(0, max(block.num_rows, 1), BATCH_ROWS):
                yield block.slice(start, BATCH_ROWS)


def _reason(message: str) -> str:
    if "straddling" in message:
        mebibytes = BLOCK_BYTES >> 20
        return f"expected rows of at most {mebibytes} MiB; is there a quote without its end?"
    if "invalid UTF8" in message:
        return "expected UTF-8, got other bytes; save the file as UTF-8"
    return message.splitlines()[0]
