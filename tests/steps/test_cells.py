from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from custom_model.predictor import Coded
from steps.cells import as_cells, check_types
from steps.errors import StepError

NUMBER = {"name": "x", "kind": "numeric", "type": "double"}
FLAG = {"name": "x", "kind": "boolean", "type": "string"}
CATEGORY = {"name": "x", "kind": "categorical", "type": "string"}


def read(values: pa.Array | list, feature: dict) -> tuple[list, dict[int, str]]:
    columns, problems = as_cells(pa.table({"x": values}), [feature], Coded)
    cells = columns["x"]
    if isinstance(cells, Coded):
        return [[*cells.cells, None][code] for code in cells.codes], problems
    return list(cells), problems


@pytest.mark.parametrize("text", ["1.5", " 1.5 ", "+1.5", "15e-1", "1.50"])
def test_a_text_that_is_a_number_is_read_as_one(text):
    assert read([text], NUMBER) == ([1.5], {})


@pytest.mark.parametrize("text", ["abc", "1,5", "1 2", "0x1", "True", ""])
def test_a_text_that_is_no_number_is_a_problem_of_its_row_only(text):
    numbers, problems = read(["1", text, None], NUMBER)
    assert (numbers[0], np.isnan(numbers[1:]).tolist()) == (1, [True, True])
    assert problems == {1: f"column 'x', row 1: expected a number, got {text!r}"}


@pytest.mark.parametrize(
    "numbers",
    [
        pa.array([1, None]),
        pa.array([1.0, None], pa.float32()),
        pa.array([Decimal("1.0"), None]),
        pa.array(["1", None]),
    ],
)
def test_numbers_of_every_type_are_doubles(numbers):
    ((one, null), problems) = read(numbers, NUMBER)
    assert (one, np.isnan(null), problems) == (1.0, True, {})


def test_zero_and_one_are_booleans_as_texts_too():
    assert read(["1", "0.0", "true", "2", None], FLAG)[0] == [1, 0, "true", "2", None]


def test_digits_are_a_text_where_the_model_has_categories():
    assert read(["007", "1", None], CATEGORY)[0] == ["007", "1", None]


@pytest.mark.parametrize("type_", [pa.bool_(), pa.timestamp("us"), pa.list_(pa.int64())])
def test_a_column_that_cannot_hold_numbers_is_refused(type_):
    with pytest.raises(StepError, match=r"column 'x': expected numbers, got .+ values"):
        check_types({"x": type_}, [NUMBER])


def test_missing_columns_are_named():
    with pytest.raises(StepError, match=r"missing columns \['x'\]: the model needs them"):
        check_types({"y": pa.int64()}, [NUMBER])
