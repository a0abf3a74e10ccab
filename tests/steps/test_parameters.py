import shlex

import pytest

from steps.errors import StepError
from steps.parameters import convert, names_in, split_arguments


def test_a_parameter_that_is_not_given_has_its_default_of_mlproject():
    declared, further, _ = split_arguments("train", [])
    assert (declared["test_size"], declared["drop"], further) == ("0.2", "", {})


@pytest.mark.parametrize("argv", [["--data=a = b.csv"], ["--data", "a = b.csv"]])
def test_a_value_may_hold_spaces_and_equal_signs(argv):
    assert split_arguments("train", argv)[0]["data"] == "a = b.csv"


@pytest.mark.parametrize("text", ["roc_auc>0.5", "it's mine", "a'", "(8, 8)"])
def test_what_was_quoted_for_a_shell_that_never_came_is_what_was_meant(text):
    argv = [shlex.quote(word) for word in (f"--target={text}", "--C", text)]
    declared, further, _ = split_arguments("train", argv)
    assert (declared["target"], further) == (text, {"C": text})


def test_a_quote_without_its_end_stays():
    assert split_arguments("train", ["--C", "'a'b'"])[1] == {"C": "'a'b'"}


@pytest.mark.parametrize("argv", [["--C", "-1"], ["--C=-1"], ["--C", "-1", "--traceback"]])
def test_an_undeclared_parameter_is_passed_on(argv):
    assert split_arguments("train", argv)[1] == {"C": "-1"}


def test_the_start_of_a_name_is_not_taken_for_the_name():
    declared, further, _ = split_arguments("train", ["--see", "5"])
    assert (declared["seed"], further) == ("42", {"see": "5"})


@pytest.mark.parametrize("argv", [["stray"], ["--lonely"]])
def test_a_command_line_that_makes_no_pairs_is_refused(argv, capsys):
    with pytest.raises(SystemExit, match="2"):
        split_arguments("train", argv)
    assert "expected" in capsys.readouterr().err


def test_values_get_the_types_of_mlproject():
    converted = convert("train", split_arguments("train", ["--seed=7"])[0])
    assert (converted["seed"], converted["test_size"], converted["target"]) == (7, 0.2, "species")


def test_a_value_of_another_type_is_refused_with_the_type():
    declared, _, _ = split_arguments("train", ["--seed=7.5"])
    with pytest.raises(StepError, match=r"seed: expected int, got '7.5'"):
        convert("train", declared)


def test_names_are_split_at_commas_and_stripped():
    assert names_in(" a, b c ,,d") == ["a", "b c", "d"]
