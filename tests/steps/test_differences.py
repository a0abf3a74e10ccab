"""What differs between a training and the same done again."""

import numpy as np
import pandas as pd
import pytest

from steps.differences import Answers, compare_answers, differences
from steps.provenance import tags
from steps.reproduce import remarks
from tests.steps.past import ANSWERS, past


def answers(**changes) -> pd.DataFrame:
    return pd.DataFrame(ANSWERS | changes)


def test_the_same_answers_are_identical():
    found = compare_answers(answers(), answers())
    assert (found, found.identical) == (Answers(3, True, 0, 0, 0.0), True)


def test_one_bit_of_one_probability_is_a_difference():
    bits = np.nextafter(ANSWERS["probability_a"], [1, 0.25, 0.5])
    found = compare_answers(answers(), answers(probability_a=bits))
    assert (found.identical, found.other_labels, found.other_probabilities) == (False, 0, 1)
    assert 0 < found.largest_difference < 1e-15


def test_another_label_is_counted_and_the_largest_difference_told():
    other = answers(prediction=["a", "b", "b"], probability_a=[0.75, 0.25, 0.25])
    found = compare_answers(answers(), other)
    assert found == Answers(3, True, 1, 1, 0.25)
    assert found.told() == (
        "3 rows, of which 1 have another label and 1 another probability, by at most 0.25"
    )


@pytest.mark.parametrize(
    "other",
    [answers(row=[1, 2, 4]), answers(truth=["a", "b", "a"]), answers().iloc[:2],
     answers().rename(columns={"probability_b": "probability_c"})],
)  # fmt: skip
def test_other_rows_or_classes_are_not_compared_row_by_row(other):
    found = compare_answers(answers(), other)
    assert (found.identical, found.told()) == (
        False, "other rows are held out, or of other classes",
    )  # fmt: skip


@pytest.fixture
def two(tmp_path):
    """Make two records, each with packages and tags of its own."""

    def made(before: dict, after: dict):
        for number, one in enumerate((before, after)):
            (tmp_path / str(number)).mkdir()
            lines = "\n".join(one.pop("packages", []))
            (tmp_path / str(number) / "packages.txt").write_text(lines)
        return [past(tmp_path / str(n), **one) for n, one in enumerate((before, after))]

    return made


def test_what_differs_is_named_with_old_and_new_data_and_split_first(two):
    before = {"packages": ["aa==1", "numpy==2.3.1"], "split_sha256": "a", "python": "3.11.7"}
    after = {"packages": ["bb==2", "numpy==2.3.2"], "split_sha256": "b", "python": "3.12.1"}
    assert differences(*two(before | {"cpu": "2 x x86_64"}, after | {"cpu": "4 x x86_64"})) == [
        "split a -> b", "Python 3.11.7 -> 3.12.1", "numpy 2.3.1 -> 2.3.2", "aa 1 -> none",
        "bb none -> 2", "CPU 2 x x86_64 -> 4 x x86_64",
    ]  # fmt: skip


def test_equal_records_do_not_differ(two):
    one = {"packages": ["numpy==2.3.1"], "data_sha256": "a", "gpu": "none"}
    assert differences(*two(dict(one), dict(one))) == []


def test_what_is_not_done_again_as_it_was_is_remarked(tmp_path):
    (tmp_path / "uncommitted.diff").write_text("# longer than 200000 bytes, in short:\n")
    own = {"platform": "macOS-14.5-arm64", "cpu": "8 x arm", "git_commit": "a"}
    found = remarks(past(tmp_path, evaluation={"git_commit": "b"}, resumed_from="m-1", **own))
    changes, resumed, evaluated, machine = found
    assert changes.startswith("its uncommitted changes were not kept as a whole: its scripts are")
    assert resumed == "it went on from a checkpoint, and is done again from its first epoch"
    assert evaluated == "it was evaluated by the code of another commit"
    assert machine.startswith("it was made on macOS-14.5-arm64 (8 x arm), this is ")


def test_another_processor_under_the_same_system_is_remarked(tmp_path):
    (found,) = remarks(past(tmp_path, **tags() | {"cpu": "2 x Another Model"}))
    assert "(2 x Another Model), this is " in found


def test_more_cores_of_the_same_processor_need_no_remark(tmp_path):
    assert remarks(past(tmp_path, **tags() | {"cpu": f"9{tags()['cpu']}"})) == []


def test_a_run_of_this_machine_needs_no_remark(tmp_path):
    assert remarks(past(tmp_path, **tags())) == []
