"""Rows that Spark would read otherwise than we do, handed to it as parquet."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from steps.batches import Batch
from steps.cells import is_text, no_numbers_in, numbers_in
from steps.errors import StepError
from steps.files import is_parquet
from steps.sources import Source

ROW, ERROR = "r", "e"  # names that no id and no feature has: those are numbered
FILE_ROWS = 1 << 18  # a task's share


def given(number: int) -> str:
    """Name a column that is carried over; Spark takes some names for the same, or for paths."""
    return f"i{number}"


def feature(number: int) -> str:
    """Name a feature's column."""
    return f"f{number}"


def may_read(
    types: list[dict[str, pa.DataType]], features: list[dict[str, Any]], source: Source
) -> bool:
    """Tell whether Spark would read the same cells as we do.

    Parameters
    ----------
    types : list of dict of str to DataType
        Of each file's columns.
    features : list of dict
        The contract's.
    source : Source

    Raises
    ------
    StepError
        When Spark cannot have a column at all.
    """
    simple = is_parquet(source.parts[0].data)
    for found in types:
        for each in features:
            type_ = found[each["name"]]
            plain = is_text(type_)
            if each["type"] == "double":
                plain = pa.types.is_integer(type_) or pa.types.is_floating(type_)
            elif not (plain or pa.types.is_dictionary(type_) or _as_text(type_)):
                raise StepError(
                    f"engine: on spark expected texts in column {each['name']!r}, got {type_} "
                    "values; cast them, or score with engine=local"
                )
            simple &= plain
    return simple


def _as_text(type_: pa.DataType) -> bool:
    return any(
        holds(type_) for holds in (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_null)
    )


def stage(
    batches: Iterable[Batch], features: list[dict[str, Any]], ids: Sequence[str], folder: Path
) -> None:
    """Write rows for Spark: numbers as numbers, all else as texts, and what is wrong already.

    Parameters
    ----------
    batches : iterable of Batch
    features : list of dict
    ids : sequence of str
    folder : Path
        Is made.
    """
    folder.mkdir()
    writer, n_rows, n_files = None, 0, 0
    try:
        for batch in batches:
            table = _staged(batch, features)
            if writer is None:
                path = folder / f"part-{n_files:05d}.parquet"
                writer, n_files = pq.ParquetWriter(path, table.schema), n_files + 1
            writer.write_table(table.cast(writer.schema))
            n_rows += table.num_rows
            if n_rows >= FILE_ROWS:
                writer.close()
                writer, n_rows = None, 0
    finally:
        if writer is not None:
            writer.close()


def _staged(batch: Batch, features: list[dict[str, Any]]) -> pa.Table:
    cells = [column.combine_chunks() for column in batch.cells.columns]
    errors: dict[int, str] = {}
    arrays = []
    for each, column in zip(features, cells, strict=True):
        if each["type"] != "double":
            arrays.append(_texts(column, each["kind"]))
            continue
        numbers = numbers_in(column)
        for row, why in no_numbers_in(column, numbers, each["name"], batch.rows).items():
            errors.setdefault(row, why)
        arrays.append(pa.array(numbers, from_pandas=True))
    reasons = [errors.get(row) for row in range(len(batch.rows))]
    names = [feature(i) for i in range(len(features))]
    carried = [column.combine_chunks() for column in batch.ids.columns]
    table = pa.table(
        [pa.array(batch.rows, pa.int64()), *carried, *arrays, pa.array(reasons, pa.string())],
        [ROW, *(given(i) for i in range(len(carried))), *names, ERROR],
    )
    ragged = {
        ROW: pa.array(list(batch.ragged), pa.int64()),
        ERROR: pa.array(list(batch.ragged.values()), pa.string()),
    }
    none = pa.nulls(len(batch.ragged))
    rest = {
        name: ragged.get(name, none.cast(table.schema.field(name).type))
        for name in table.schema.names
    }
    return pa.concat_tables([table, pa.table(rest)])


def _texts(column: pa.Array, kind: str) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    texts = column.cast(pa.string())
    if kind != "boolean":
        return texts
    # in a CSV file 0 and 1 are texts as well
    numbers = numbers_in(texts)
    one, zero = (pa.array(np.equal(numbers, number)) for number in (1, 0))
    return pc.if_else(one, "true", pc.if_else(zero, "false", texts))
