import pandas as pd
import pytest

from steps.data import select_columns, split
from steps.errors import StepError


@pytest.mark.parametrize("labels", [[1, 0], [True, False], ["a", "b"], [0.0, 1.0]])
def test_integers_booleans_texts_and_whole_decimals_can_be_labels(labels):
    frame = pd.DataFrame({"x": range(4), "y": labels * 2})
    assert select_columns(frame, "y", [])[1].tolist() == labels * 2


@pytest.mark.parametrize("labels", [[1, "a"], [["l"], ["m"]], pd.to_datetime(["2024", "2025"])])
def test_labels_of_other_types_are_refused(labels):
    frame = pd.DataFrame({"x": range(4), "y": list(labels) * 2})
    with pytest.raises(StepError, match="target 'y': expected integers, booleans or texts, got"):
        select_columns(frame, "y", [])


def test_null_labels_are_counted_and_located():
    frame = pd.DataFrame({"x": range(6), "y": [1, None, 0, None, 1, None]})
    with pytest.raises(StepError, match=r"got 3 nulls \(first data rows \[2, 4, 6\];"):
        select_columns(frame, "y", [])


def test_a_split_with_fewer_rows_than_classes_is_refused():
    labels = pd.Series(["a", "b", "c"] * 2)
    with pytest.raises(StepError, match=r"test_size: 0.2 cannot split 6 rows"):
        split(labels.to_frame(), labels, 0.2, 0)
