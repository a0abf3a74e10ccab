from itertools import pairwise

import numpy as np
import pytest

from steps.plots import draw

NAMES = ["a$b", "_hidden", "long " * 12, "0", "True", "x y", "é", "7", "eight", "never"]


@pytest.fixture
def figures():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, 400)
    scores = rng.dirichlet(np.ones(10), 400) + 0.3 * np.eye(10)[labels]
    scores /= scores.sum(axis=1, keepdims=True)
    return draw(labels, scores.argmax(axis=1), scores, NAMES)


def test_the_plots_are_confusion_roc_precision_recall_and_calibration(figures):
    assert list(figures) == [
        "confusion_matrix.png",
        "roc_curve.png",
        "precision_recall_curve.png",
        "calibration_curve.png",
    ]


def test_the_tick_labels_of_ten_classes_do_not_overlap(figures):
    figure = figures["confusion_matrix.png"]
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    tops_and_bottoms = sorted((box.y0, box.y1) for box in boxes)
    assert all(a[1] <= b[0] for a, b in pairwise(tops_and_bottoms))
    assert len(boxes) == 10


def test_the_legend_stands_beside_the_curves_and_inside_the_picture(figures):
    for name in ("roc_curve.png", "precision_recall_curve.png", "calibration_curve.png"):
        figure = figures[name]
        figure.draw_without_rendering()
        legend = figure.legends[0].get_window_extent()
        assert legend.x0 >= figure.axes[0].get_window_extent().x1
        assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1


def test_every_class_with_rows_is_named_in_the_legend(figures):
    names = [text.get_text() for text in figures["calibration_curve.png"].legends[0].get_texts()]
    assert names == [r"a\$b", " _hidden", "long long long long lon…", *NAMES[3:9]]


def test_two_classes_have_one_curve_that_of_the_second_class():
    labels, scores = np.array([0, 1, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]] * 2)
    legend = draw(labels, labels, scores, ["no", "yes"])["roc_curve.png"].legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["yes (AUC 1.000)"]


def test_the_confusion_matrix_counts_true_rows_by_predicted_columns():
    labels, predicted = np.array([0, 0, 1]), np.array([1, 1, 1])
    scores = np.eye(2)[predicted]
    axes = draw(labels, predicted, scores, ["no", "yes"])["confusion_matrix.png"].axes[0]
    assert [text.get_text() for text in axes.texts] == ["0", "2", "0", "1"]
