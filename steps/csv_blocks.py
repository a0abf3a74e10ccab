"""Blocks of a CSV file, in Arrow."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from pandas._libs.parsers import STR_NA_VALUES

from steps.errors import StepError
from steps.headers import csv_header, open_binary
from steps.ragged import EndedFile, OddRows

NULLS = pa.array(sorted(STR_NA_VALUES))  # those of pandas.read_csv


def csv_names(path: Path, gzipped: bool) -> list[str]:
    """Read the names of a CSV file's columns."""
    csv_header(path, gzipped)
    # pandas has a name of its own for a column without one; pandas 2 decodes rows too
    with open_binary(path, gzipped) as file:
        header = pd.read_csv(file, nrows=0, index_col=False, encoding_errors="replace")
    return [str(name) for name in header]


def csv_blocks(
    file: IO[bytes], odd: OddRows, types: dict[str, pa.DataType], n_rows: int, n_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Parse a CSV file block by block.

    Parameters
    ----------
    file : binary file
    odd : OddRows
        Takes the rows of another width.
    types : dict of str to DataType
        By the number of the column: those to read.
    n_rows : int
        Of a block, at most.
    n_bytes : int
        Of text parsed at a time, and the longest row.

    Raises
    ------
    StepError
        When the rest of the file cannot be parsed.
    """
    try:
        yield from _parsed(file, odd, types, n_rows, n_bytes)
    except pa.ArrowInvalid as error:
        raise StepError(_reason(str(error), n_bytes)) from error


def _parsed(
    file: IO[bytes], odd: OddRows, types: dict[str, pa.DataType], n_rows: int, n_bytes: int
) -> Iterator[pa.RecordBatch]:
    every_key = [str(key) for key in range(odd.width)]
    with pa_csv.open_csv(
        io.BufferedReader(EndedFile(file, odd.end), n_bytes),
        # the numbers of invalid rows are right in one thread and with names given
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=every_key, block_size=n_bytes
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
            for start in range(0, max(block.num_rows, 1), n_rows):
                yield block.slice(start, n_rows)


def with_nulls(texts: pa.Array) -> pa.Array:
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


def _reason(message: str, n_bytes: int) -> str:
    if "straddling" in message:
        mebibytes = n_bytes >> 20
        return f"expected rows of at most {mebibytes} MiB; is there a quote without its end?"
    if "invalid UTF8" in message:
        return "expected UTF-8, got other bytes; save the file as UTF-8"
    return message.splitlines()[0]
