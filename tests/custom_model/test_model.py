import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from custom_model.model import ClassifierModel, decide, encode, encode_rows
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
    frame = pd.DataFrame({"c": pd.Series(["a", None, "b"]).astype(dtype)})
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
    with pytest.raises(MlflowException) as caught:
        encode(frame, contract)
    assert (caught.value.message, caught.value.error_code) == (message, "INVALID_PARAMETER_VALUE")


def test_a_missing_column_is_named():
    contract = contract_of(a=[1, 2], b=[3, 4])
    with pytest.raises(MlflowException, match=r"missing columns \['b'\]: expected \['a', 'b'\]"):
        encode(pd.DataFrame({"a": [1]}), contract)


def test_a_tie_goes_to_the_first_class_in_float64_and_float32_alike():
    scores = np.array([[0.5, 0.5], [0.49999997, 0.50000003]])
    assert decide(scores).tolist() == [0, 0]
    assert decide(scores.astype(np.float32), 0.5).tolist() == [0, 0]


def test_a_lower_threshold_predicts_the_second_class_more_often():
    scores = np.array([[0.7, 0.3], [0.9, 0.1]])
    assert decide(scores, 0.2).tolist() == [1, 0]


class Loaded(ClassifierModel):
    """The model without an artifact: fixed probabilities."""

    def __init__(self, classes: list, scores: list) -> None:
        threshold = 0.5 if len(classes) == 2 else None
        self.contract = contract_of(n=[1, 2]) | {"classes": classes, "threshold": threshold}
        self._probabilities = lambda matrix: np.array(scores)


def test_the_output_all_holds_label_probability_and_one_column_a_class():
    model = Loaded(["no", "yes"], [[0.25, 0.75]])
    answer = model.predict(None, pd.DataFrame({"n": [1]}), {"output": "all"})
    assert answer.to_dict("records") == [
        {"prediction": "yes", "probability": 0.75, "probability_no": 0.25, "probability_yes": 0.75}
    ]


def test_the_output_probabilities_holds_one_column_a_class():
    model = Loaded([0, 1, 2], [[0.2, 0.3, 0.5]])
    answer = model.predict(None, pd.DataFrame({"n": [1]}), {"output": "probabilities"})
    assert answer.to_dict("list") == {
        "probability_0": [0.2],
        "probability_1": [0.3],
        "probability_2": [0.5],
    }


def test_the_probability_is_that_of_the_label_predicted_under_the_threshold():
    model = Loaded([False, True], [[0.75, 0.25]])
    answer = model.predict(None, pd.DataFrame({"n": [1]}), {"threshold": 0.2})
    assert answer.to_dict("list") == {"prediction": [True], "probability": [0.25]}


def test_no_rows_give_no_rows():
    answer = Loaded(["a", "b"], []).predict(None, pd.DataFrame({"n": []}))
    assert (len(answer), list(answer)) == (0, ["prediction", "probability"])


def test_the_index_of_the_rows_is_kept():
    model = Loaded(["a", "b"], [[1.0, 0.0], [0.0, 1.0]])
    answer = model.predict(None, pd.DataFrame({"n": [1, 2]}, index=["x", "y"]))
    assert answer.index.tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"output": "label"}, "params.output: expected one of ['prediction', 'probabilities'"),
        ({"threshold": 1.5}, "params.threshold: expected 0 to 1, got 1.5"),
        ({"threshold": float("nan")}, "params.threshold: expected 0 to 1, got nan"),
    ],
)
def test_a_bad_param_is_refused_with_what_was_expected(params, message):
    with pytest.raises(MlflowException) as caught:
        Loaded(["a", "b"], [[1.0, 0.0]]).predict(None, pd.DataFrame({"n": [1]}), params)
    assert caught.value.message.startswith(message)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_fault_of_ours_is_an_internal_error_that_leaks_nothing(caplog):
    model = Loaded(["a", "b"], [[1.0, 0.0]])
    model._probabilities = lambda matrix: 1 / 0
    with pytest.raises(MlflowException) as caught:
        model.predict(None, pd.DataFrame({"n": [1]}))
    assert caught.value.error_code == "INTERNAL_ERROR"
    fault = caught.value.message.split("id ")[1].split()[0]
    assert fault in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "division" not in caught.value.message


def test_an_exit_from_the_pipeline_does_not_end_the_server():
    model = Loaded(["a", "b"], [])

    def leave(matrix):
        raise SystemExit(3)

    model._probabilities = leave
    with pytest.raises(MlflowException) as caught:
        model.predict(None, pd.DataFrame({"n": [1]}))
    assert caught.value.error_code == "INTERNAL_ERROR"


def test_a_probability_that_is_no_number_is_a_fault_and_no_answer():
    model = Loaded(["a", "b"], [[np.nan, np.nan]])
    with pytest.raises(MlflowException) as caught:
        model.predict(None, pd.DataFrame({"n": [1]}))
    assert caught.value.error_code == "INTERNAL_ERROR"


def test_bad_rows_become_nulls_with_the_reason_when_asked_for():
    model = Loaded([0, 1], [[0.9, 0.1], [0.2, 0.8]])
    rows = pd.DataFrame({"n": [1, "x"]}, index=["p", "q"])
    answer = model.predict(None, rows, {"on_error": "null"})
    assert answer.to_dict("index") == {
        "p": {"prediction": 0, "probability": 0.9, "error": None},
        "q": {
            "prediction": None,
            "probability": None,
            "error": "column 'n', row 1: expected a number, got 'x'",
        },
    }


def test_strict_refuses_numbers_outside_the_training_range():
    model = Loaded(["a", "b"], [[1.0, 0.0]])
    with pytest.raises(MlflowException, match="column 'n', row 0: expected 1 to 2, got 3"):
        model.predict(None, pd.DataFrame({"n": [3]}), {"strict": True})


@pytest.mark.parametrize(
    "value", [20200202, 2021.0, -5, True, "now", "today", "10:30", "03.04.2020"]
)
def test_only_iso_dates_are_dates(value):
    contract = contract_of(day=["2024-02-28", "2024-03-01"])
    with pytest.raises(MlflowException, match="expected an ISO 8601 date or time"):
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
