import json

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_model.predictor import (
    Coded,
    Encoder,
    InputError,
    decide,
    encode,
    encode_rows,
    load,
    stamps,
)
from steps.contract import infer_contract
from tests.tables import customers


def contract_of(**columns: list) -> dict:
    frame = pd.DataFrame(columns)
    labels = pd.Series([0, 1] * (len(frame) // 2), name="y")
    return infer_contract(frame, labels)[0]


def test_a_number_loses_the_training_median_so_that_float32_keeps_its_digits():
    stamps = [1_700_000_000_001, 1_700_000_000_002, 1_700_000_000_004, 1_700_000_000_009]
    contract = contract_of(ms=stamps)
    assert encode(pd.DataFrame({"ms": stamps}), contract)[:, 0].tolist() == [-2, -1, 1, 6]


def test_null_and_unknown_categories_have_an_index_of_their_own():
    contract = contract_of(color=["red", "red", "blue", None])
    codes = encode(pd.DataFrame({"color": ["blue", "red", None, np.nan, "green"]}), contract)
    assert codes[:, 0].tolist() == [1, 0, 2, 2, 3]


@pytest.mark.parametrize(
    "values",
    [
        [True, False, None],
        pd.array([True, False, None], dtype="boolean"),
        ["true", "False", None],
        [1, 0, np.nan],
    ],
)
def test_a_boolean_is_one_zero_or_nan_however_it_arrives(values):
    contract = contract_of(flag=[True, False, True, False])
    encoded = encode(pd.DataFrame({"flag": values}), contract)[:, 0]
    np.testing.assert_array_equal(encoded, [1, 0, np.nan])


@pytest.mark.parametrize(
    "values",
    [
        ["2024-02-29", None],
        pd.to_datetime(["2024-02-29", None]),
        pd.to_datetime(["2024-02-29", None], utc=True),
    ],
)
def test_a_date_becomes_its_parts_however_it_arrives(values):
    contract = contract_of(day=["2024-02-28", "2024-03-01"])
    encoded = encode(pd.DataFrame({"day": values}), contract)
    np.testing.assert_array_equal(encoded, [[0, 2, 29, 3, 0], [np.nan] * 5])


@pytest.mark.parametrize("time", ["2024-02-29T10", "2024-02-29 10:11", "20240229T101112"])
@pytest.mark.parametrize("before", ["2024-02-28T10:11:12+05:30", "2024-02-28 23-03"])
def test_a_time_without_an_offset_does_not_take_that_of_the_row_before_it(before, time):
    encoder = Encoder(contract_of(day=["2024-02-28", "2024-03-01"]))
    both, _ = encoder.encode_columns({"day": [before, time]}, 2, True)
    alone, _ = encoder.encode_columns({"day": [time]}, 1, True)
    np.testing.assert_array_equal(both[1:], alone)
    assert not np.isnan(both).any()


def test_a_text_becomes_its_word_counts():
    contract = contract_of(note=["the cat sat down", "a dog ran far away"] * 2)
    encoded = encode(pd.DataFrame({"note": ["The cat, the CAT!", None]}), contract)
    assert encoded[0, 0] == 4
    assert sorted(encoded[0, 1:])[-2:] == [2, 2]
    assert np.isnan(encoded[1]).all()


@pytest.mark.parametrize(
    "dtype", ["int64", "int8", "float32", "Int64", "Float64", "object", "int64[pyarrow]"]
)
def test_numbers_of_any_dtype_encode_alike(dtype):
    contract = contract_of(n=[1, 2, 3, 4])
    frame = pd.DataFrame({"n": pd.Series([1, 4], dtype=dtype)})
    assert encode(frame, contract)[:, 0].tolist() == [-1.5, 1.5]


@pytest.mark.parametrize(
    "dtype", ["object", "str", "string", "category", "string[pyarrow]", "large_string[pyarrow]"]
)
def test_texts_of_any_dtype_encode_alike(dtype):
    contract = contract_of(c=["b", "b", "a", "a"])
    frame = pd.DataFrame({"c": pd.Series(["a", None, "b"], dtype=dtype)})
    assert encode(frame, contract)[:, 0].tolist() == [0, 2, 1]


def test_column_order_and_further_columns_do_not_matter():
    frame = customers(60)
    contract, _ = infer_contract(frame.drop(columns="churn"), frame["churn"])
    np.testing.assert_array_equal(
        encode(frame, contract), encode(frame[frame.columns[::-1]], contract)
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("n", "abc", "column 'n', row 1: expected a number, got 'abc'"),
        ("n", True, "column 'n', row 1: expected a number, got True"),
        ("n", float("inf"), "column 'n', row 1: expected a finite number, got inf"),
        ("n", 1e300, "column 'n', row 1: expected a finite number, got 1e+300"),
        ("c", 7, "column 'c', row 1: expected text, got 7"),
        ("c", ["x"], "column 'c', row 1: expected text, got ['x']"),
        ("b", "yes", "column 'b', row 1: expected true or false, got 'yes'"),
        ("b", 2, "column 'b', row 1: expected true or false, got 2"),
        ("d", "soon", "column 'd', row 1: expected an ISO 8601 date or time, got 'soon'"),
        ("t", 5, "column 't', row 1: expected text, got 5"),
        ("c", {"k": "x" * 99}, "column 'c', row 1: expected text, got {'k': '" + "x" * 50 + "..."),
    ],
)
def test_a_bad_cell_is_named_with_its_column_row_and_what_was_expected(column, value, message):
    good = {"n": 1.5, "c": "x", "b": True, "d": "2024-01-01", "t": "one two three four"}
    contract = contract_of(
        n=[1.0, 2.0],
        c=["x", "y"],
        b=[True, False],
        d=["2024-01-01", "2024-01-02"],
        t=["one two three four", "five six seven eight"],
    )
    frame = pd.DataFrame([good, good | {column: value}])
    with pytest.raises(InputError) as caught:
        encode(frame, contract)
    assert str(caught.value) == message


def test_a_missing_column_is_named():
    contract = contract_of(a=[1, 2], b=[3, 4])
    with pytest.raises(InputError, match=r"missing columns \['b'\]: expected \['a', 'b'\]"):
        encode(pd.DataFrame({"a": [1]}), contract)


def test_a_tie_goes_to_the_first_class_in_float64_and_float32_alike():
    scores = np.array([[0.5, 0.5], [0.49999997, 0.50000003]])
    assert decide(scores).tolist() == [0, 0]
    assert decide(scores.astype(np.float32), 0.5).tolist() == [0, 0]


def test_a_lower_threshold_predicts_the_second_class_more_often():
    scores = np.array([[0.7, 0.3], [0.9, 0.1]])
    assert decide(scores, 0.2).tolist() == [1, 0]


@pytest.mark.parametrize(
    "value",
    [20200202, 2021.0, -5, True, "now", "today", "10:30", "03.04.2020", "2020-02-02T10:00+03:60"],
)
def test_only_iso_dates_are_dates(value):
    contract = contract_of(day=["2024-02-28", "2024-03-01"])
    with pytest.raises(InputError, match="expected an ISO 8601 date or time"):
        encode(pd.DataFrame({"day": [value]}, dtype=object), contract)


@pytest.mark.parametrize("day", ["0001-01-01", "1596-05-05", "9999-12-31"])
def test_a_far_date_is_a_date(day):
    contract = contract_of(day=["2024-02-28", "2024-03-01"])
    expected = np.datetime64(day, "D").astype(int) - contract["features"][0]["center"]
    assert encode(pd.DataFrame({"day": [day]}), contract)[0, 0] == np.float32(expected)


def test_a_number_can_stand_for_a_category():
    frame = pd.DataFrame({"zip": [10115, 10115, 20095, 80331]})
    labels = pd.Series([0, 1, 0, 1], name="y")
    contract, _ = infer_contract(frame, labels, {"zip": "categorical"})
    given = pd.DataFrame({"zip": [10115.0, 80331.0, 5.0, np.nan]})
    assert encode(given, contract)[:, 0].tolist() == [0, 2, 4, 3]


@pytest.mark.parametrize("cell", ["10115", "10115.0", True, 10**400])
def test_no_text_stands_for_a_category_that_numbers_name(cell):
    frame = pd.DataFrame({"zip": [10115, 10115, 20095, 80331]})
    contract, _ = infer_contract(frame, pd.Series([0, 1, 0, 1], name="y"), {"zip": "categorical"})
    with pytest.raises(InputError, match="column 'zip', row 0: expected a number, got"):
        encode(pd.DataFrame({"zip": [cell]}, dtype=object), contract)


def test_an_infinite_number_does_not_hide_one_outside_the_training_range():
    contract = contract_of(n=[1, 2])
    _, problems = encode_rows(pd.DataFrame({"n": [np.inf, 3.0, 1.5]}), contract, strict=True)
    assert problems == {
        0: "column 'n', row 0: expected a finite number, got inf",
        1: "column 'n', row 1: expected 1 to 2, got 3.0",
    }


def test_an_infinite_number_never_reaches_the_pipeline():
    matrix, _ = encode_rows(pd.DataFrame({"n": [np.inf, -1e300, 1.5]}), contract_of(n=[1, 2]))
    np.testing.assert_array_equal(matrix[:, 0], [np.nan, np.nan, 0])


ODD = [None, np.nan, pd.NA, True, False, 1, 0, 2.5, -0.0, 1e300, -np.inf, 10**400, "", "true", "x"]
DATES = [
    "2024-02-29", "2024-02-30", "0001-01-01", "9999-12-31T23:59:59.999999-23:59", "0000-01-01",
    "2024-02-29T10:11", "2024-02-29 10:11:12.123456789Z", "2024-02-29T10:11:12,5", "20240229",
    "2024-02-29T25:00", "2024-02-29T10:11:12.123+05:30", "2024", "2024-W09-4", "2024-02-29T10",
    pd.Timestamp("2024-02-29 10:11:12.123456789"), np.datetime64("2024-02-29"), pd.NaT,
    "٢٠٢٤-02-29", "2024-02-29T10:11:12.1Z", "2024-02-29t10:11:12z", " 2024-02-29",
]  # fmt: skip
EVERY_KIND = {
    "n": [1.0, 2.0],
    "c": ["x", "y"],
    "b": [True, False],
    "d": ["2024-01-01", "2024-01-02"],
    "t": ["one two three four", "five six seven eight"],
}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            *[st.sampled_from(ODD + DATES) | st.floats() | st.integers() | st.text()] * 2,
            *[st.sampled_from(ODD + DATES) | st.datetimes().map(str)] * 2,
            st.sampled_from(ODD) | st.text(),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_rows_and_columns_encode_alike_whatever_stands_in_them(rows, strict):
    encoder = Encoder(contract_of(**EVERY_KIND))
    by_row, why_row = encoder.encode_rows(rows, strict)
    columns = {
        name: list(cells)
        for name, cells in zip(encoder.names, zip(*rows, strict=True), strict=True)
    }
    by_column, why_column = encoder.encode_columns(columns, len(rows), strict)
    assert by_row.tobytes() == by_column.tobytes()
    assert why_row == why_column


@given(st.lists(st.floats(), min_size=1, max_size=20), st.booleans())
def test_an_array_of_numbers_encodes_as_its_cells(numbers, strict):
    encoder = Encoder(contract_of(n=[1.0, 2.0]))
    array, why_array = encoder.encode_columns({"n": np.array(numbers)}, len(numbers), strict)
    cells, why_cells = encoder.encode_columns({"n": numbers}, len(numbers), strict)
    np.testing.assert_array_equal(array, cells)
    assert why_array == why_cells


@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_cell_of_numpy_encodes_as_that_of_python(name):
    contract = contract_of(**{name: EVERY_KIND[name]})
    cell = EVERY_KIND[name][0]
    rows = [[cell], [np.array([cell])[0]]]
    python, numpy = Encoder(contract).encode_rows(rows, True)[0]
    np.testing.assert_array_equal(python, numpy)


@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_coded_column_encodes_as_its_cells(name):
    encoder = Encoder(contract_of(**{name: EVERY_KIND[name]}))
    cells = [*EVERY_KIND[name], "odd", 7, None]
    codes = np.array([0, 1, 2, 3, 4, -1, 2])
    expanded = [None if code < 0 else cells[code] for code in codes]
    coded, why_coded = encoder.encode_columns({name: Coded(codes, cells)}, 7, True)
    plain, why_plain = encoder.encode_columns({name: expanded}, 7, True)
    assert coded.tobytes() == plain.tobytes()
    assert why_coded == why_plain


def test_a_pickle_that_names_an_absent_package_says_so_and_what_to_do():
    contract = json.dumps(contract_of(n=[1, 2])).encode()
    with pytest.raises(RuntimeError, match="No module named 'absent'; serve it in its own envir"):
        load(contract, b"\x80\x04cabsent\nThing\n.")


def test_a_pickle_whose_contract_does_not_tell_its_scikit_learn_is_loaded():
    contract = contract_of(n=[1, 2])
    del contract["scikit-learn"]
    assert load(json.dumps(contract).encode(), cloudpickle.dumps(None)).contract == contract


def test_a_text_that_is_no_date_is_an_error_of_its_column_unless_coerced():
    cells = pd.Series(["2024-02-29", "soon"], dtype=object)
    with pytest.raises(ValueError, match="soon"):
        stamps(cells)
    assert stamps(cells, "coerce").isna().tolist() == [False, True]
