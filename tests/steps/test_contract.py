import decimal
import json

import numpy as np
import pandas as pd
import pytest

from steps.contract import infer_contract, signature_of
from steps.errors import StepError
from tests.tables import customers, ten_classes


def contract_of(frame: pd.DataFrame, classes: tuple = (0, 1)) -> tuple[dict, dict]:
    labels = np.resize(np.array(classes, dtype=object), len(frame)).tolist()
    return infer_contract(frame, pd.Series(labels, name="label"))


@pytest.mark.parametrize(
    ("values", "kind", "signed"),
    [
        ([1, 2, 2], "numeric", "double"),
        ([1.5, None, 2], "numeric", "double"),
        ([decimal.Decimal("1.5"), None, decimal.Decimal(2)], "numeric", "double"),
        (pd.array([1, None, 2], dtype="Int64"), "numeric", "double"),
        ([True, False, True], "boolean", "string"),
        ([True, None, False], "boolean", "string"),
        (["a", "b", None], "categorical", "string"),
        (["2024-01-01", "2024-01-02T10:00:00Z", None], "datetime", "string"),
        (pd.to_datetime(["2024-01-01", None, "2024-01-03"]), "datetime", "string"),
        (["one two three four"] * 2 + ["five six seven eight"], "text", "string"),
        (["2024-01-01", "soon", None], "categorical", "string"),
    ],
)
def test_a_column_gets_its_kind_and_numbers_alone_are_typed_for_mlflow(values, kind, signed):
    contract, _ = contract_of(pd.DataFrame({"column": values}))
    assert [(f["kind"], f["type"]) for f in contract["features"]] == [(kind, signed)]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([None] * 40, "all null"),
        ([7] * 40, "constant"),
        (list(np.random.default_rng(0).permutation(50)[:40]), "identifier-like"),
        ([f"id-{i}" for i in range(40)], "identifier-like"),
        (list(range(1000, 1040)), "identifier-like"),
    ],
)
def test_a_useless_column_is_dropped_with_the_reason(values, reason):
    frame = pd.DataFrame({"good": [1.0, 2.0] * 20, "bad": values})
    contract, dropped = contract_of(frame)
    assert ([f["name"] for f in contract["features"]], dropped) == (["good"], {"bad": reason})


@pytest.mark.parametrize(
    "values",
    [
        list(np.random.default_rng(0).normal(size=40)),
        list(range(0, 400, 10)),
        [7] * 39 + [None],
        [f"{i % 10} free words {i} here" for i in range(40)],
    ],
)
def test_a_column_that_may_help_is_kept(values):
    assert contract_of(pd.DataFrame({"column": values}))[1] == {}


def test_a_table_without_a_usable_column_is_refused():
    with pytest.raises(StepError, match="no usable feature column: expected at least one"):
        contract_of(pd.DataFrame({"a": [1] * 30}))


@pytest.mark.parametrize("value", [["x"], {"k": 1}, b"bytes", pd.Timedelta("1h")])
def test_a_column_of_no_kind_is_refused_with_the_way_out(value):
    with pytest.raises(StepError, match=r"column 'odd': expected numbers.* -P drop=odd"):
        contract_of(pd.DataFrame({"odd": [value, value, value]}))


def test_an_infinite_number_is_refused_with_its_row():
    with pytest.raises(StepError, match=r"column 'n', data row 2: expected a finite number"):
        contract_of(pd.DataFrame({"n": [1.0, float("-inf"), 2.0]}))


def test_categories_stand_in_the_order_of_their_frequency():
    contract, _ = contract_of(pd.DataFrame({"c": ["b", "a", "b", "c", "a", "b"]}))
    assert contract["features"][0]["categories"] == {"b": 0, "a": 1, "c": 2}


@pytest.mark.parametrize("classes", [("b", "a"), (True, False), (3, 1, 2)])
def test_classes_are_sorted_and_keep_their_type(classes):
    contract, _ = contract_of(pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6]}), classes)
    assert contract["classes"] == sorted(classes)
    assert {type(label) for label in contract["classes"]} == {type(classes[0])}


def test_only_two_classes_have_a_threshold():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 6]})
    thresholds = [contract_of(frame, classes)[0]["threshold"] for classes in [(0, 1), (0, 1, 2)]]
    assert thresholds == [0.5, None]


def test_the_contract_survives_json():
    frame = customers()
    contract, _ = infer_contract(frame.drop(columns="churn"), frame["churn"])
    assert json.loads(json.dumps(contract, allow_nan=False)) == contract


def test_the_signature_names_every_feature_the_answer_and_the_params():
    signature = signature_of(contract_of(pd.DataFrame({"n": [1, 2, 2], "c": ["x", "y", "x"]}))[0])
    assert signature.to_dict() == {
        "inputs": '[{"type": "double", "name": "n", "required": true}, '
        '{"type": "string", "name": "c", "required": true}]',
        "outputs": '[{"type": "long", "name": "prediction", "required": true}, '
        '{"type": "double", "name": "probability", "required": true}]',
        "params": '[{"name": "output", "default": "prediction", "shape": null, "type": "string"}, '
        '{"name": "strict", "default": false, "shape": null, "type": "boolean"}, '
        '{"name": "on_error", "default": "raise", "shape": null, "type": "string"}, '
        '{"name": "threshold", "default": 0.5, "shape": null, "type": "double"}]',
    }


def test_more_than_two_classes_have_no_threshold_param():
    frame = ten_classes(100)
    contract, _ = infer_contract(frame.drop(columns="label"), frame["label"])
    assert [param.name for param in signature_of(contract).params] == [
        "output",
        "strict",
        "on_error",
    ]
