import numpy as np
import pandas as pd
import pytest
from mlflow.utils.validation import _validate_metric_name

from steps.bootstrap import Interval, Scored
from steps.tables import figures_of, table_of_classes

LABELS = np.array([0, 0, 1, 2])
SCORES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
SCORED = Scored(SCORES.argmax(axis=1), SCORES)


def test_every_class_has_its_figures_and_its_rows():
    table = table_of_classes(LABELS, SCORED, ["a", "b", "c"]).set_index("class")
    assert table.loc["a"].tolist() == [1.0, 0.5, pytest.approx(2 / 3), 1.0, 2]
    assert table.loc["b", ["precision", "recall", "rows"]].tolist() == [0.5, 1.0, 1]


def test_a_label_becomes_a_name_that_mlflow_takes():
    classes = pd.DataFrame(
        {"class": ["<b>?"], "precision": [1.0], "recall": [0.5], "f1": [0.6], "roc_auc": [np.nan]}
    )
    figures = figures_of({"accuracy": Interval(0.5, 0.4, 0.6)}, classes)
    assert figures == {
        "accuracy": 0.5,
        "accuracy_low": 0.4,
        "accuracy_high": 0.6,
        "precision_per_class/_b__": 1.0,
        "recall_per_class/_b__": 0.5,
        "f1_per_class/_b__": 0.6,
    }


def test_labels_that_would_share_a_name_are_numbered():
    labels = ["a/b", "a?b", "日本", "..", ""]
    classes = pd.DataFrame({"class": labels} | dict.fromkeys(("precision", "recall", "f1"), 1.0))
    figures = figures_of({}, classes.assign(roc_auc=np.nan))
    assert [name.partition("/")[2] for name in figures if name.startswith("f1")] == [
        "a_b_0",
        "a_b_1",
        "日本",
        "__3",
        "__4",
    ]
    for name in figures:
        _validate_metric_name(name)


def test_an_undefined_figure_is_left_out():
    empty = pd.DataFrame(columns=["class", "precision", "recall", "f1", "roc_auc"])
    assert figures_of({"roc_auc": Interval(np.nan, np.nan, np.nan)}, empty) == {}


def test_many_classes_have_a_table_but_no_metrics_of_their_own():
    names = [str(i) for i in range(51)]
    columns = dict.fromkeys(("precision", "recall", "f1", "roc_auc"), 1.0)
    assert figures_of({}, pd.DataFrame({"class": names} | columns)) == {}
