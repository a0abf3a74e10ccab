"""The four ways to write rows in JSON that MLflow knows, as rows of cells."""

from collections.abc import Callable, Sequence
from typing import Any

from steps.server.errors import RequestError, check_names, check_once, kind_of

Rows = Sequence[Sequence[Any]]  # each holds a cell for every feature of the model, in its order


def _split(table: Any, names: list[str]) -> Rows:
    if (
        type(table) is not dict
        or "data" not in table
        or table.keys() - {"data", "columns", "index"}
    ):
        raise RequestError(
            "dataframe_split: expected an object with data, columns and perhaps index, got "
            f"{list(table) if type(table) is dict else kind_of(table)!r:.200}"
        )
    columns, rows, index = table.get("columns") or [], table["data"], table.get("index")
    if type(columns) is not list or type(rows) is not list:
        raise RequestError("dataframe_split: expected lists in columns and data")
    for number, row in enumerate(rows):
        if type(row) is not list or len(row) != len(columns):
            came = f"{len(row)} cells" if type(row) is list else kind_of(row)
            raise RequestError(
                f"dataframe_split: row {number}: expected {len(columns)} cells, as there are "
                f"columns, got {came}"
            )
    if index is not None and (type(index) is not list or len(index) != len(rows)):
        raise RequestError(f"dataframe_split: expected an index of {len(rows)} entries, one a row")
    return rows if columns == names else _ordered(columns, rows, names)


def _ordered(columns: list[Any], rows: Rows, names: list[str]) -> Rows:
    check_names(columns, names)
    check_once(columns, names)
    order = [columns.index(name) for name in names]
    return [[row[place] for place in order] for row in rows]


def _records(rows: Any, names: list[str]) -> Rows:
    _check_rows("dataframe_records", rows)
    try:
        ordered: Rows = [[row[name] for name in names] for row in rows]
    except KeyError:  # a column may lack in some rows
        ordered = [[row.get(name) for name in names] for row in rows]
        check_names({name for row in rows for name in row}, names)
    if not ordered:
        check_names([], names)
    return ordered


def _check_rows(name: str, rows: Any) -> None:
    if type(rows) is not list:
        raise RequestError(f"{name}: expected a list of objects, got {kind_of(rows)}")
    for number, row in enumerate(rows):
        if type(row) is not dict:
            raise RequestError(f"{name}: row {number}: expected objects, got {kind_of(row)}")


def _instances(rows: Any, names: list[str]) -> Rows:
    if _of_one_column(rows, names):
        return [[cell] for cell in rows]
    _check_rows("instances", rows)
    for number, row in enumerate(rows):
        missing = [name for name in names if name not in row]
        if missing:
            raise RequestError(f"instances: row {number}: missing columns {missing}")
    return _records(rows, names)


def _inputs(columns: Any, names: list[str]) -> Rows:
    if type(columns) is list:
        return (
            [[cell] for cell in columns]
            if _of_one_column(columns, names)
            else _records(columns, names)
        )
    if type(columns) is not dict:
        raise RequestError(f"inputs: expected an object of columns, got {kind_of(columns)}")
    check_names(columns, names)
    cells = [columns[name] for name in names]
    if all(type(column) is not list for column in cells):
        return [cells]
    lengths = {name: len(columns[name]) if type(columns[name]) is list else None for name in names}
    if len(set(lengths.values())) > 1:
        raise RequestError(f"inputs: expected as many cells in each column, got {lengths}")
    return list(zip(*cells, strict=True))


def _of_one_column(cells: Any, names: list[str]) -> bool:
    """Tell whether cells stand alone, as they may where there is but one feature."""
    return len(names) == 1 and type(cells) is list and not any(type(c) is dict for c in cells)


READERS: dict[str, Callable[[Any, list[str]], Rows]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
