"""Cells of any table in the types of the model's signature."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

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
    return _is_text(type_) or any(is_kind(type_) for is_kind in kinds)


def _is_text(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(type_) for is_kind in kinds)


def as_signed(
    cells: pa.RecordBatch, features: list[dict[str, Any]]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Cast cells to the signature, each one by itself.

    Parameters
    ----------
    cells : RecordBatch of n_rows rows
        The features, in order, in types that ``check_types`` let pass.
    features : list of dict
        The contract's.

    Returns
    -------
    frame : DataFrame of n_rows rows
        Numbers as float, all else as object.
    problems : dict of int to str
        Row (from 0) whose text is no number (null in the frame) -> what is wrong with it.
    """
    columns: dict[str, pd.Series] = {}
    problems: dict[int, str] = {}
    for feature, column in zip(features, cells.columns, strict=True):
        if feature["type"] == "double":
            numbers = _numbers(column)
            wrong = np.isnan(numbers) & _filled(column)
            for row in np.flatnonzero(wrong).tolist():
                where = f"column {feature['name']!r}, row {row}"
                text = column[row].as_py()
                problems.setdefault(row, f"{where}: expected a number, got {text!r:.60}")
            columns[feature["name"]] = pd.Series(numbers)
        else:
            columns[feature["name"]] = _objects(column, feature["kind"])
    return pd.DataFrame(columns), problems


def _filled(column: pa.Array) -> np.ndarray:
    """Tell where a text stands; NaN in a column of numbers is a null."""
    if not _is_text(column.type):
        return np.zeros(len(column), dtype=bool)
    return column.is_valid().to_numpy(zero_copy_only=False)


def _numbers(column: pa.Array) -> np.ndarray:
    if not _is_text(column.type):
        return column.to_pandas().astype(np.float64).to_numpy()
    texts = column.to_numpy(zero_copy_only=False)
    return np.asarray(pd.to_numeric(texts, errors="coerce"), dtype=np.float64)


def _objects(column: pa.Array, kind: str) -> pd.Series:
    if not _is_text(column.type):
        return column.to_pandas(integer_object_nulls=True).astype(object)
    texts = pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
    if kind != "boolean":
        return texts
    # in a CSV file 0 and 1 are texts as well
    numbers = pd.Series(_numbers(column))
    return texts.mask(numbers.isin([0, 1]), numbers)
