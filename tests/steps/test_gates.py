import pytest

from steps.errors import StepError
from steps.gates import failures, parse_gates


def test_gates_are_read_with_their_comparison_and_bound():
    assert parse_gates("roc_auc>=0.8, log_loss<0.6") == [
        ("roc_auc", ">=", 0.8),
        ("log_loss", "<", 0.6),
    ]


def test_no_text_means_no_gate():
    assert parse_gates("") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("auc>0.8", "gates: no metric 'auc': expected one of accuracy, balanced_accuracy"),
        ("roc_auc", "gates: expected conditions such as roc_auc>=0.8,log_loss<=0.6, got 'roc_auc'"),
        ("roc_auc==1", "gates: expected conditions such as"),
        ("roc_auc>high", "gates: expected conditions such as"),
        ("roc_auc>nan", "gates: expected a finite bound, got 'roc_auc>nan'"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(StepError, match=message):
        parse_gates(text)


@pytest.mark.parametrize(
    ("gate", "missed"),
    [("f1>=0.5", []), ("f1>0.5", ["f1>0.5 not reached: f1 is 0.5000"]), ("f1<=0.5", [])],
)
def test_a_bound_is_part_of_a_gate_with_an_equal_sign_only(gate, missed):
    assert failures(parse_gates(gate), {"f1": 0.5}) == missed


@pytest.mark.parametrize("comparison", [">", "<", ">=", "<="])
def test_an_undefined_metric_misses_its_gate(comparison):
    assert failures(parse_gates(f"roc_auc{comparison}0.5"), {"roc_auc": float("nan")}) == [
        f"roc_auc{comparison}0.5 not reached: roc_auc is nan"
    ]
