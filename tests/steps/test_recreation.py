"""The data and the environment of a past run."""

import platform
import re
import shutil
import sys

import pytest

from steps import recorded_data
from steps.cache import packages
from steps.errors import StepError
from steps.folders import sha256_of
from steps.recorded_data import find_data
from steps.recreation import make_python
from tests.conftest import ROOT
from tests.facts import happy_runs
from tests.steps.past import past

PENGUINS = ROOT / "data" / "penguins.csv"


@pytest.fixture
def code(tmp_path):
    """A folder of scripts, of a run with the packages of this very environment."""
    folder = tmp_path / "logged"
    folder.mkdir()
    (folder / "packages.txt").write_text("\n".join(packages()))
    return folder


@pytest.fixture
def recorded(code, client):
    """A run of the store that was made of a file of another name."""
    run_id = happy_runs(client)["train"].info.run_id
    return past(code, {"data": "data/mine.csv"}, run_id=run_id, data_sha256=sha256_of(PENGUINS))


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The project at its commit and as it is now, and a folder to download to."""
    folders = [tmp_path / name for name in ("then", "now", "scratch")]
    for folder in folders:
        (folder / "data").mkdir(parents=True)
    monkeypatch.setattr(recorded_data, "PROJECT", folders[1])
    return folders


def test_data_that_the_commit_holds_is_taken_from_there(recorded, places):
    then, now, scratch = places
    here = shutil.copy(PENGUINS, then / "data" / "mine.csv")
    (now / "data" / "mine.csv").write_text("changed since\n")
    assert find_data(recorded, then, "", scratch) == here


def test_data_that_no_commit_holds_is_taken_from_the_project(recorded, places):
    then, now, scratch = places
    here = shutil.copy(PENGUINS, now / "data" / "mine.csv")
    assert find_data(recorded, then, "", scratch) == here


def test_data_that_moved_is_taken_from_where_it_is_now(recorded, places):
    assert find_data(recorded, places[0], str(PENGUINS), places[2]) == PENGUINS


def test_data_that_was_given_anew_must_be_the_same(recorded, places, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("other\n")
    shutil.copy(PENGUINS, places[1] / "data" / "mine.csv")
    with pytest.raises(StepError, match=f"data: {other} has the SHA-256 {sha256_of(other)}; run "):
        find_data(recorded, places[0], str(other), places[2])


def test_data_that_is_nowhere_is_told_by_where_it_was(recorded, places):
    nothing = re.escape(f"data: expected a file, found nothing at {places[1]}/data/mine.csv; run ")
    with pytest.raises(StepError, match=nothing):
        find_data(recorded, places[0], "", places[2])


def test_the_copy_that_the_run_keeps_will_do(recorded, places):
    copy = f"runs:/{recorded.run_id}/data/penguins.csv"
    assert find_data(recorded, places[0], copy, places[2]).read_bytes() == PENGUINS.read_bytes()


def here() -> str:
    return platform.python_version()


def test_an_environment_that_is_as_recorded_is_this_one(code, tmp_path):
    made = make_python(past(code, python=here()), "recorded", tmp_path / "environment")
    assert (made, (tmp_path / "environment").exists()) == (sys.executable, False)


def test_the_current_environment_will_do_where_that_is_asked_for(code, tmp_path):
    assert make_python(past(code, python="3.8.1"), "current", tmp_path / "e") == sys.executable


@pytest.mark.parametrize(
    ("python", "line", "said"),
    [("3.99.1", "", "No interpreter found for Python 3.99.1"), ("", "zzz-none==1", "zzz-none")],
)
def test_what_an_environment_lacks_is_told_with_the_way_out(
    code, tmp_path, monkeypatch, python, line, said
):
    monkeypatch.setenv("UV_OFFLINE", "1")
    (code / "packages.txt").write_text(f"{line}\n")
    with pytest.raises(StepError) as caught:
        make_python(past(code, python=python or here()), "recorded", tmp_path / "environment")
    told = str(caught.value)
    assert told.startswith(f"environment: uv cannot make that of run {'1' * 32} (Python ")
    assert said in told
    assert told.endswith("; get what it lacks, or say environment=current to train in this one")


def test_a_made_environment_holds_what_is_recorded_and_no_more(code, tmp_path):
    (code / "packages.txt").write_text("")
    made = make_python(past(code, python=here()), "recorded", tmp_path / "environment")
    assert made == str(tmp_path / "environment" / "bin" / "python")
    assert not list((tmp_path / "environment").rglob("*.dist-info"))
