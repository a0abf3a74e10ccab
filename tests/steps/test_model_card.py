import re

import pytest

from steps.model_card import escaped, fenced, render
from tests.facts import AWKWARD, everything, nothing


@pytest.mark.parametrize("n", [1, 40, 400])
@pytest.mark.parametrize("name", ["age", "x" * 250, "東京|_*" * 40])
def test_it_fits_into_the_registry_whatever_the_data(name, n):
    assert len(render(everything(name, name, n))) < 5000


def test_narrow_data_is_told_in_full():
    card = render(everything(n=5))
    assert "Predicts age (yes 0, yes 1, yes 2, yes 3, yes 4)" in card
    assert "- 5 numeric: age 0, age 1, age 2, age 3, age 4" in card


def test_what_is_cut_says_how_much_more_there_is():
    assert re.search(r"- 400 numeric: .*, \d+ more$", render(everything(n=400)), re.MULTILINE)


def test_it_has_the_sections_of_a_model_card():
    assert re.findall(r"^## (.+)$", render(everything(n=3)), re.MULTILINE) == [
        "Model details", "Intended use", "Training data", "Metrics on the held-out rows", "Gates",
        "Worst slices", "Limits", "How to use", "How to reproduce",
    ]  # fmt: skip


def test_what_no_run_holds_is_left_out():
    assert "## Metrics" not in render(nothing())


def test_metrics_stand_with_interval_baseline_and_champion():
    card = render(everything(n=3))
    assert "| roc_auc | 0.9000 | 0.8900 to 0.9100 | 0.5000 | 0.8500 |" in card
    assert "| log_loss (less is better) | 1.5000 |" in card


def test_names_and_labels_of_the_user_are_text_not_markup():
    card = render(everything(AWKWARD, AWKWARD, n=2)).partition("## How to use")[0]
    assert "\\<script>" in card
    assert not re.search(r"(?<!\\)[<`]", card)


def test_a_bar_in_a_name_opens_no_column_and_a_line_break_no_line():
    assert escaped("a|b\nc") == r"a\|b c"


def test_a_fence_is_longer_than_any_in_its_code():
    assert fenced("a ``` b", "bash") == "````bash\na ``` b\n````"
