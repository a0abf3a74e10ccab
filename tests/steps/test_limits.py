import pytest

from steps.limits import limits
from tests.facts import CONTRACT, metric, nothing


def told(**changes):
    return " ".join(limits(nothing(**changes), CONTRACT))


def test_random_rows_of_the_same_table_are_always_a_limit():
    assert "no test on later rows" in told()


def test_few_held_out_rows_are_named():
    assert "Only 60 rows were held out" in told(held_out_rows=60)
    assert "Only" not in told(held_out_rows=600)


def test_a_class_with_few_held_out_rows_is_named():
    rows = [{"class": "rare", "rows": 4}, {"class": "frequent", "rows": 400}]
    assert "Fewer than 30 held-out rows of rare (4):" in told(per_class=rows)


def test_features_that_never_were_null_are_named():
    assert "Without a null in training: city." in told()


def test_a_long_name_is_cut():
    feature = CONTRACT["features"][0] | {"name": "x" * 100, "null_rate": 0}
    assert f"{'x' * 39}…." in " ".join(limits(nothing(), {"features": [feature]}))


def test_a_pickle_stands_first_with_its_reason():
    model = nothing()["model"] | {"format": "pickle", "format_reason": "no conversion"}
    found = limits(nothing(model=model, held_out_rows=60), CONTRACT)
    assert found[0].startswith("It ships as a pickle")
    assert found[0].endswith("no conversion")


@pytest.mark.parametrize(("error", "warned"), [(0.2, True), (0.01, False)])
def test_probabilities_that_are_far_off_are_told(error, warned):
    found = told(metrics=[metric("calibration_error", error)])
    assert ("off by 0.20 on average" in found) is warned


def test_force_is_told():
    assert "by force: not evaluated." in told(verdict="FORCED", forced_because="not evaluated")
