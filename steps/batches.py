"""A table of any size, a bounded number of rows at a time."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steps.csv_blocks import csv_blocks, csv_names, with_nulls
from steps.errors import StepError
from steps.files import is_gzipped, is_parquet
from steps.headers import check_names, open_binary
from steps.ragged import OPEN_QUOTE, OddRows

BATCH_ROWS = 16_384  # fewer than those of which the predictor gives each thread some
BLOCK_BYTES = 8 << 20  # of CSV text parsed at a time, and the longest row
CODES = pa.dictionary(pa.int32(), pa.string())


class Batch(NamedTuple):
    """Some of a table's rows, counted from 0."""

    rows: np.ndarray  # where in the table each row of the cells stands
    cells: pa.Table
    ids: pa.Table  # of the same rows
    ragged: dict[int, str]  # rows without cells -> what is wrong with them
    share: float  # of the bytes or rows that are read by now


Batches = Iterator[Batch]


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
    return dict.fromkeys(csv_names(path, is_gzipped(data)), pa.string())


def read_batches(
    path: Path,
    data: str,
    columns: list[str],
    coded: Sequence[str] = (),
    ids: Sequence[str] = (),
) -> Batches:
    """Read a table's file piece by piece; how much memory that takes does not depend on its rows.

    Parameters
    ----------
    path : Path
    data : str
        The name that the user gave it, with its ending.
    columns : list of str
        To read; a CSV file's are texts, whatever stands in them, with the nulls of ``read_table``.
    coded : sequence of str
        Those of the columns whose texts are to be read as a dictionary and codes.
    ids : sequence of str
        To read as they are, the texts of a CSV file too.

    Yields
    ------
    Batch
        Between them every row of the table, in order.

    Raises
    ------
    StepError
        When the rest of the table cannot be read.
    """
    if is_parquet(data):
        return _parquet_batches(path, columns, coded, ids)
    return _csv_batches(path, is_gzipped(data), columns, coded, ids)


def one_after_other(files: Mapping[Path, Batches]) -> Batches:
    """Count the rows of files that are one table."""
    start = before = 0
    total = sum(path.stat().st_size for path in files) or 1
    for path, batches in files.items():
        stop, size = start, path.stat().st_size
        for batch in batches:
            rows = batch.rows + start
            ragged = {row + start: why for row, why in batch.ragged.items()}
            stop = max([stop, *(rows[-1:] + 1).tolist(), *(row + 1 for row in ragged)])
            share = (before + batch.share * size) / total
            yield batch._replace(rows=rows, ragged=ragged, share=share)
        start, before = stop, before + size


def evened(batches: Batches) -> Batches:
    """Make every batch full, and the last one more than that.

    A linear model's product of one row differs in the last digit from that of many rows: a row's
    answer should not depend on where a batch ends.
    """
    waiting: list[Batch] = []
    n_waiting = 0
    for batch in batches:
        waiting.append(batch)
        n_waiting += len(batch.rows)
        if n_waiting >= 2 * BATCH_ROWS:
            rest = _joined(waiting)
            while n_waiting >= 2 * BATCH_ROWS:
                full, rest = _split(rest, BATCH_ROWS)
                n_waiting -= BATCH_ROWS
                yield _compact(full)
            waiting = [rest]
        if sum(len(part.ragged) for part in waiting) >= BATCH_ROWS:
            yield _compact(_joined(waiting))
            waiting, n_waiting = [], 0
    if waiting:
        yield _compact(_joined(waiting))


def _joined(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(
        np.concatenate([batch.rows for batch in batches]),
        # one file may hold whole numbers where another has fractions
        pa.concat_tables([batch.cells for batch in batches], promote_options="permissive"),
        pa.concat_tables([batch.ids for batch in batches]),
        {row: why for batch in batches for row, why in batch.ragged.items()},
        batches[-1].share,
    )


def _split(batch: Batch, count: int) -> tuple[Batch, Batch]:
    stop = int(batch.rows[count])
    before = {row: why for row, why in batch.ragged.items() if row < stop}
    after = {row: why for row, why in batch.ragged.items() if row > stop}
    rows, cells, ids = batch.rows, batch.cells, batch.ids
    return (
        Batch(rows[:count], cells.slice(0, count), ids.slice(0, count), before, batch.share),
        Batch(rows[count:], cells.slice(count), ids.slice(count), after, batch.share),
    )


def _compact(batch: Batch) -> Batch:
    cells = batch.cells.unify_dictionaries().combine_chunks()
    return batch._replace(cells=cells, ids=batch.ids.combine_chunks())


def _parquet_batches(
    path: Path, columns: list[str], coded: Sequence[str], ids: Sequence[str]
) -> Batches:
    start = 0
    # a buffered file would keep in memory what it has read
    options = {"buffer_size": 1 << 20, "pre_buffer": False, "read_dictionary": list(coded)}
    with pq.ParquetFile(path, **options) as file:
        wanted = list(dict.fromkeys([*columns, *ids]))
        for piece in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
            stop = start + piece.num_rows
            cells = [piece[name] if name in coded else _plain(piece[name]) for name in columns]
            carried = [_plain(piece[name]) for name in ids]
            yield Batch(
                np.arange(start, stop),
                pa.table(cells, columns),
                pa.table(carried, list(ids)),
                {},
                stop / file.metadata.num_rows,
            )
            start = stop


def _plain(column: pa.Array) -> pa.Array:
    """Undo what only stores repeated values; each batch may store them otherwise."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _csv_batches(
    path: Path, gzipped: bool, columns: list[str], coded: Sequence[str], ids: Sequence[str]
) -> Batches:
    names = csv_names(path, gzipped)
    odd = OddRows(len(names))
    keys = {name: str(names.index(name)) for name in [*columns, *ids]}
    types = {key: CODES if name in coded else pa.string() for name, key in keys.items()}
    with open_binary(path, gzipped) as file:
        for block in csv_blocks(file, odd, types, BATCH_ROWS, BLOCK_BYTES):
            rows = odd.place(block.num_rows)
            cells = [with_nulls(block[keys[name]]) for name in columns]
            carried = [_plain(block[keys[name]]) for name in ids]
            yield Batch(
                rows,
                pa.table(cells, columns),
                pa.table(carried, list(ids)),
                odd.passed(),
                # of the bytes on the disk, which gzip packs
                getattr(file, "fileobj", file).tell() / path.stat().st_size,
            )
    if not odd.ended:
        raise StepError(f"last row: {OPEN_QUOTE}")
