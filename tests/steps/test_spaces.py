import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from custom_model.classifiers import CLASSIFIERS
from steps.errors import StepError
from steps.spaces import SPACES, parse_space, space_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:3..12", IntDistribution(3, 12)),
        ("a:1..100:log", IntDistribution(1, 100, log=True)),
        ("a:0.5..1", FloatDistribution(0.5, 1.0)),
        (" a : 1e-4..1e3 : log ", FloatDistribution(1e-4, 1e3, log=True)),
        ("a:-2..-1", IntDistribution(-2, -1)),
        ("a:sqrt|none|0.5", CategoricalDistribution(["sqrt", "none", "0.5"])),
        ("a:(32,)|(64, 32)", CategoricalDistribution(["(32,)", "(64, 32)"])),
    ],
)
def test_ranges_and_choices_are_read(text, expected):
    assert parse_space(text) == {"a": expected}


def test_parts_are_separated_by_commas_but_for_those_of_a_tuple():
    assert list(parse_space("a:(1, 2)|(3,),b:1..2, c:x|y")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "(numbers), got 'a'"),
        ("a:1..2,", "got ''"),
        ("a:1..x", "(numbers), got 'a:1..x'"),
        ("a:5", "(numbers), got 'a:5'"),
        ("a:3..2", "(low below high, and above 0 with :log), got 'a:3..2'"),
        ("a:0..1:log", "(low below high, and above 0 with :log), got 'a:0..1:log'"),
        ("a:0.0..inf", "(low below high, and above 0 with :log), got 'a:0.0..inf'"),
        ("a:nan..1", "(low below high, and above 0 with :log), got 'a:nan..1'"),
        ("a:1..2:ln", "(numbers), got 'a:1..2:ln'"),
        ("a:x|", "(different choices, none of them empty), got 'a:x|'"),
        ("a:x|x", "(different choices, none of them empty), got 'a:x|x'"),
        ("a:1..2,a:1..3", "(each name once), got 'a:1..3'"),
    ],
)
def test_what_cannot_be_read_is_named(text, message):
    with pytest.raises(StepError) as error:
        parse_space(text)
    assert str(error.value).endswith(message)
    assert str(error.value).startswith("space: expected name:low..high, ")


@pytest.mark.parametrize("classifier", [name for name in CLASSIFIERS if name != "my_forest"])
def test_every_named_classifier_has_a_space_that_it_accepts_and_that_starts_near_its_defaults(
    classifier,
):
    space, start = space_of(classifier, "", {})
    assert space.keys() == parse_space(SPACES[classifier]).keys()
    assert start.keys() <= space.keys()


def test_the_first_trial_has_the_defaults_that_the_space_holds():
    text = "max_depth:3..9, n_estimators:50..200, criterion:gini|entropy"
    _, start = space_of("random_forest", text, {})
    assert start == {"n_estimators": 100, "criterion": "gini"}


def test_a_given_hyperparameter_is_held_and_not_searched():
    assert list(space_of("logistic_regression", "", {"C": "3"})[0]) == ["class_weight"]


@pytest.mark.parametrize(
    ("classifier", "text", "fixed", "message"),
    [
        ("sklearn.naive_bayes.GaussianNB", "", {}, "add a line to SPACES in steps/spaces.py, or"),
        ("logistic_regression", "c:1..2", {}, "logistic_regression has no parameter 'c': expected"),
        ("logistic_regression", "C:-1.0..2.0", {}, "The 'C' parameter of LogisticRegression must"),
        ("logistic_regression", "class_weight:x|y", {}, "Got 'x' instead"),
        ("logistic_regression", "C:1..2", {"C": "1"}, "nothing is left to search"),
    ],
)
def test_a_space_that_does_not_suit_its_classifier_is_refused(classifier, text, fixed, message):
    with pytest.raises(StepError, match=r"^space: ") as error:
        space_of(classifier, text, fixed)
    assert message in str(error.value)


def test_a_classifier_by_its_import_path_takes_a_given_space():
    space, start = space_of("sklearn.naive_bayes.GaussianNB", "var_smoothing:1e-12..0.1:log", {})
    assert (list(space), start) == (["var_smoothing"], {"var_smoothing": 1e-09})
