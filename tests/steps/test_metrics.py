import numpy as np
import pytest

from steps.auc import roc_auc
from steps.errors import StepError
from steps.metrics import METRICS, calibration_error, measure

TRUTH = np.array([0, 0, 1, 1])
SCORES = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])


def test_the_figures_of_a_small_binary_case():
    measured = measure(TRUTH, SCORES.argmax(axis=1), SCORES)
    assert measured == {
        "accuracy": 0.75,
        "balanced_accuracy": 0.75,
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
        "roc_auc": 1.0,
        "log_loss": pytest.approx(-np.log([0.9, 0.4, 0.7, 0.8]).mean()),
        "brier": pytest.approx((0.01 + 0.36 + 0.09 + 0.04) / 4),
        # confidences 0.9, 0.6, 0.7, 0.8 stand in bins of their own; the second one is wrong
        "calibration_error": pytest.approx((0.1 + 0.6 + 0.3 + 0.2) / 4),
    }


def test_precision_is_the_mean_over_the_classes_when_there_are_three():
    scores = np.eye(3)[[0, 0, 1, 1]]
    measured = measure(np.array([0, 1, 1, 2]), scores.argmax(axis=1), scores)
    assert measured["precision"] == pytest.approx((0.5 + 0.5 + 0) / 3)


def test_a_calibrated_classifier_has_no_calibration_error():
    labels = np.array([1, 1, 1, 0])
    scores = np.tile([0.25, 0.75], (4, 1))
    assert calibration_error(labels, np.ones(4, dtype=int), scores) == 0


def test_classes_that_are_absent_do_not_count_in_the_area_under_the_curve():
    labels = np.array([0, 1, 0, 1])
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.2, 0.7, 0.1]])
    assert roc_auc(labels, labels, scores) == 1.0


def test_the_area_is_undefined_where_only_one_class_is_present():
    assert np.isnan(roc_auc(np.array([1, 1]), np.array([1, 1]), np.array([[0.4, 0.6]] * 2)))


def test_a_class_that_is_never_predicted_breaks_no_metric():
    scores = np.tile([0.9, 0.1], (4, 1))
    measured = measure(TRUTH, scores.argmax(axis=1), scores)
    assert (measured["precision"], measured["roc_auc"], list(measured)) == (0, 0.5, list(METRICS))


def test_a_metric_added_to_the_seat_is_measured(monkeypatch):
    monkeypatch.setitem(
        METRICS, "cost", lambda labels, predicted, scores: 5 * sum(labels != predicted)
    )
    assert measure(TRUTH, 1 - TRUTH, SCORES)["cost"] == 20


def test_a_metric_that_fails_is_named(monkeypatch):
    monkeypatch.setitem(METRICS, "odd", lambda labels, predicted, scores: 1 / 0)
    with pytest.raises(StepError, match=r"METRICS\['odd'\] raised ZeroDivisionError: division by"):
        measure(TRUTH, TRUTH, SCORES)
