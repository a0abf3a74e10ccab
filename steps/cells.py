"""Cells of any table as the predictor reads them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from steps.errors import StepError


def check_types(types: dict[str, pa.DataType], features: list[dict[str, Any]]) -> None:
    """Refuse a table that lacks a feature, or has no numbers where numbers belong.

    Parameters
    ----------
    types : dict of str to DataType
        Of the table's columns.
    features : list of dict
        The contract's.

    Raises
    ------
    StepError
        Naming the columns.
    """
    missing = [feature["name"] for feature in features if feature["name"] not in types]
    if missing:
        raise StepError(f"missing columns {missing}: the model needs them")
    for feature in features:
        type_ = types[feature["name"]]
        if feature["type"] == "double" and not _may_hold_numbers(type_):
            raise StepError(f"column {feature['name']!r}: expected numbers, got {type_} values")


def _may_hold_numbers(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    return is_text(type_) or any(is_kind(type_) for is_kind in kinds)


def is_text(type_: pa.DataType) -> bool:
    """Tell texts of any encoding but a dictionary."""
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(type_) for is_kind in kinds)


def as_cells(
    table: pa.Table, features: list[dict[str, Any]], coded: Callable[[np.ndarray, list[Any]], Any]
) -> tuple[dict[str, Any], dict[int, str]]:
    """Hand columns to the predictor, each cell read by itself.

    Parameters
    ----------
    table : Table of n_rows rows
        The features, in order, each in one chunk, in types that ``check_types`` let pass.
    features : list of dict
        The contract's.
    coded : callable
        Makes a column of codes and cells: the predictor's own ``Coded``.

    Returns
    -------
    columns : dict of str to Cells
        Numbers as float64, all else by its different cells or as a list.
    problems : dict of int to str
        Row (from 0) whose text is no number (null in its column) -> what is wrong with it.
    """
    columns: dict[str, Any] = {}
    problems: dict[int, str] = {}
    for feature, chunked in zip(features, table.columns, strict=True):
        name, column = feature["name"], _one_chunk(chunked)
        if feature["type"] != "double":
            columns[name] = _objects(column, feature["kind"], coded)
            continue
        numbers = numbers_in(column)
        for row, why in no_numbers_in(column, numbers, name, range(len(column))).items():
            problems.setdefault(row, why)
        columns[name] = numbers if feature["kind"] == "numeric" else _by_code(numbers, coded)
    return columns, problems


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def numbers_in(column: pa.Array) -> np.ndarray:
    """Read a column's numbers as float64; NaN where there is none."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not is_text(column.type):
        return pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    try:
        return pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:  # pandas says which of them are none, and knows spaces and signs
        texts = column.to_numpy(zero_copy_only=False)
        return np.asarray(pd.to_numeric(texts, errors="coerce"), dtype=np.float64)


def no_numbers_in(
    column: pa.Array, numbers: np.ndarray, name: str, places: Sequence[int] | np.ndarray
) -> dict[int, str]:
    """Find the texts that are no numbers.

    Parameters
    ----------
    column : Array of n_rows
    numbers : ndarray of shape (n_rows,)
        As ``numbers_in`` read them.
    name : str
        Of the column.
    places : sequence of n_rows int
        The rows' numbers, for the sentence.

    Returns
    -------
    dict of int to str
        Row (from 0) -> what is wrong with it.
    """
    if not is_text(getattr(column.type, "value_type", column.type)):
        return {}  # NaN in a column of numbers is a null
    wrong = np.isnan(numbers) & column.is_valid().to_numpy(zero_copy_only=False)
    return {
        row: f"column {name!r}, row {places[row]}: expected a number, got "
        f"{column[row].as_py()!r:.60}"
        for row in np.flatnonzero(wrong).tolist()
    }


def _by_code(numbers: np.ndarray, coded: Callable[[np.ndarray, list[Any]], Any]) -> Any:
    cells, codes = np.unique(numbers, return_inverse=True)
    return coded(codes, cells.tolist())


def _objects(column: pa.Array, kind: str, coded: Callable[[np.ndarray, list[Any]], Any]) -> Any:
    if not pa.types.is_dictionary(column.type):
        if kind == "text" or pa.types.is_nested(column.type):
            return _as_python(column, kind)
        column = column.dictionary_encode()
    codes = column.indices.fill_null(-1).to_numpy()
    return coded(codes, _as_python(column.dictionary, kind))


def _as_python(column: pa.Array, kind: str) -> list[Any]:
    if not is_text(column.type):
        return column.to_pandas(integer_object_nulls=True).astype(object).tolist()
    if kind != "boolean":
        return column.to_pylist()
    # in a CSV file 0 and 1 are texts as well
    numbers = numbers_in(column)
    return [
        number if number in (0, 1) else text
        for number, text in zip(numbers.tolist(), column.to_pylist(), strict=True)
    ]
