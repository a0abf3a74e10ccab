import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from custom_model import predictor
from custom_model.model import ClassifierModel
from steps.contract import infer_contract


class Loaded(ClassifierModel):
    """The model without an artifact: fixed probabilities."""

    def __init__(self, classes: list, scores: list) -> None:
        rows, labels = pd.DataFrame({"n": [1, 2]}), pd.Series([0, 1], name="y")
        threshold = 0.5 if len(classes) == 2 else None
        contract = infer_contract(rows, labels)[0] | {"classes": classes, "threshold": threshold}
        self._code = predictor
        self.predictor = predictor.Predictor(contract, lambda matrix: np.array(scores))


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
    model.predictor._probabilities = lambda matrix: 1 / 0
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

    model.predictor._probabilities = leave
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
