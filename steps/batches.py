"""A table of any size, a bounded number of rows at a time."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pandas._libs.parsers import STR_NA_VALUES

from steps.errors import StepError
from steps.files import is_gzipped, is_parquet
from steps.headers import check_names, csv_header, open_binary
from steps.ragged import OPEN_QUOTE, EndedFile, OddRows

BATCH_ROWS = 16_384  # fewer than those of which the predictor gives each thread some
BLOCK_BYTES = 8 << 20  # of CSV text parsed at a time, and the longest row
CODES = pa.dictionary(pa.int32(), pa.string())
NULLS = pa.array(sorted(STR_NA_VALUES))  # those of pandas.read_csv


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
    return dict.fromkeys(_csv_names(path, is_gzipped(data)), pa.string())


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


def _csv_names(path: Path, gzipped: bool) -> list[str]:
    csv_header(path, gzipped)
    # pandas has a name of its own for a column without one
    with open_binary(path, gzipped) as file:
        return [str(name) for name in pd.read_csv(file, nrows=0, index_col=False)]


def _csv_batches(
    path: Path, gzipped: bool, columns: list[str], coded: Sequence[str], ids: Sequence[str]
) -> Batches:
    names = _csv_names(path, gzipped)
    odd = OddRows(len(names))
    keys = {name: str(names.index(name)) for name in [*columns, *ids]}
    types = {key: CODES if name in coded else pa.string() for name, key in keys.items()}
    with open_binary(path, gzipped) as file:
        try:
            for block in _csv_blocks(file, odd, types):
                rows = odd.place(block.num_rows)
                cells = [_with_nulls(block[keys[name]]) for name in columns]
                carried = [_plain(block[keys[name]]) for name in ids]
                yield Batch(
                    rows,
                    pa.table(cells, columns),
                    pa.table(carried, list(ids)),
                    odd.passed(),
                    # of the bytes on the disk, which gzip packs
                    getattr(file, "fileobj", file).tell() / path.stat().st_size,
                )
        except pa.ArrowInvalid as error:
            raise StepError(_reason(str(error))) from error
    if not odd.ended:
        raise StepError(f"last row: {OPEN_QUOTE}")


def _with_nulls(texts: pa.Array) -> pa.Array:
    """Make nulls of the texts that stand for them."""
    if not pa.types.is_dictionary(texts.type):
        return pc.if_else(pc.is_in(texts, NULLS), pa.scalar(None, texts.type), texts)
    stands_for_null = pc.is_in(texts.dictionary, NULLS)
    if not pc.any(stands_for_null).as_py():
        return texts
    # in the codes: Arrow cannot unify dictionaries that hold a null
    null = pa.scalar(None, texts.indices.type)
    codes = pc.if_else(stands_for_null.take(texts.indices), null, texts.indices)
    return pa.DictionaryArray.from_arrays(codes, texts.dictionary)


def _csv_blocks(
    file: IO[bytes], odd: OddRows, types: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    every_key = [str(key) for key in range(odd.width)]
    with pa_csv.open_csv(
        io.BufferedReader(EndedFile(file, odd.end), BLOCK_BYTES),
        # the numbers of invalid rows are right in one thread and with names given
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=every_key, block_size=BLOCK_BYTES
        ),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=odd.keep),
        convert_options=pa_csv.ConvertOptions(
            include_columns=list(types),
            column_types=types,
            strings_can_be_null=False,
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
