import pytest

from steps.errors import StepError
from steps.gates import Check, judge, parse_gates, verdict_of


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
    ("gate", "told"),
    [
        ("f1>=0.5", "f1>=0.5 reached: f1 is 0.5000"),
        ("f1>0.5", "f1>0.5 not reached: f1 is 0.5000"),
        ("f1<=0.5", "f1<=0.5 reached: f1 is 0.5000"),
    ],
)
def test_a_bound_is_part_of_a_gate_with_an_equal_sign_only(gate, told):
    (check,) = judge(parse_gates(gate), {"f1": 0.5}, {})
    assert str(check) == told


@pytest.mark.parametrize("comparison", [">", "<", ">=", "<="])
def test_an_undefined_metric_misses_its_gate(comparison):
    (check,) = judge(parse_gates(f"roc_auc{comparison}0.5"), {"roc_auc": float("nan")}, {})
    assert str(check) == f"roc_auc{comparison}0.5 not reached: roc_auc is nan"


def test_a_gate_may_name_the_worst_slice_of_a_metric_and_the_gain_over_the_baseline():
    names = [gate.metric for gate in parse_gates("worst_slice_f1>0.5,gain_over_baseline>0")]
    assert names == ["worst_slice_f1", "gain_over_baseline"]


def test_one_missed_check_rejects_and_only_it_is_a_reason():
    verdict = verdict_of([Check("a>1", True, "a is 2"), Check("b>1", False, "b is 0")])
    assert (verdict["verdict"], verdict["reasons"]) == ("REJECTED", ["b>1 not reached: b is 0"])


def test_without_a_check_there_is_nothing_to_reject():
    assert verdict_of([])["verdict"] == "VALIDATED"
