import os

import pytest

from steps.atomic import replacing
from steps.errors import StepError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_target_stays_as_it_was_until_the_end(tmp_path):
    target = tmp_path / "t"
    target.write_text("old")
    with replacing(target) as (partial,):
        partial.path.write_text("new")
        assert target.read_text() == "old"
    assert (target.read_text(), names(tmp_path)) == ("new", ["t"])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_target_and_no_trace(tmp_path, error):
    (tmp_path / "t").write_text("old")

    def fail():
        with replacing(tmp_path / "t", tmp_path / "u") as (partial, _):
            partial.path.write_text("new")
            raise error

    with pytest.raises(error):
        fail()
    assert ((tmp_path / "t").read_text(), names(tmp_path)) == ("old", ["t"])


def test_a_file_that_is_not_wanted_is_removed_with_its_predecessor(tmp_path):
    (tmp_path / "t").write_text("old")
    with replacing(tmp_path / "t") as (partial,):
        partial.wanted = False
    assert names(tmp_path) == []


def test_what_a_killed_run_left_is_used_again(tmp_path):
    (tmp_path / ".t.partial").write_text("left behind, and longer")
    with replacing(tmp_path / "t") as (partial,):
        partial.path.write_text("new")
    assert ((tmp_path / "t").read_text(), names(tmp_path)) == ("new", ["t"])


def test_a_second_run_is_refused_and_does_not_disturb_the_first(tmp_path):
    with replacing(tmp_path / "t") as (partial,):
        partial.path.write_text("first")
        with (
            pytest.raises(StepError, match=r"another run is writing .*/t; wait for its end"),
            replacing(tmp_path / "t"),
        ):
            pass
    assert (tmp_path / "t").read_text() == "first"


def test_a_run_that_follows_at_once_keeps_its_own_partial_file(tmp_path):
    with replacing(tmp_path / "t") as (first,):
        os.replace(first.path, tmp_path / "moved")
        with replacing(tmp_path / "t") as (second,):
            second.path.write_text("second")
        first.path.write_text("first")
    assert names(tmp_path) == ["moved", "t"]


def test_a_folder_that_is_gone_is_a_line(tmp_path):
    with (
        pytest.raises(StepError, match=r"cannot write .*/gone/t: No such file or directory"),
        replacing(tmp_path / "gone" / "t"),
    ):
        pass
