"""The code of a past run: its commit and what was not committed, beside an untouched repository."""

import pytest

from steps import checkout, provenance
from steps.checkout import check_out, is_whole
from steps.errors import StepError
from tests.conftest import shell
from tests.steps.past import past

AUTHOR = "-c user.name=tests -c user.email=tests@localhost"


def done(command: str, folder) -> str:
    found = shell(command, folder)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository whose project lies in a folder of it; two commits."""
    project = tmp_path / "repository" / "project"
    project.mkdir(parents=True)
    for number in ("1", "2"):
        (project / "code.py").write_text(f"a = {number}\n")
        done(f"git init -q -b trunk .. && git add -A && git {AUTHOR} commit -qm {number}", project)
    monkeypatch.setattr(checkout, "PROJECT", project)
    monkeypatch.setattr(provenance, "PROJECT", project)
    return project


def commit(project, revision: str) -> str:
    return done(f"git rev-parse {revision}", project)


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "logged"
    folder.mkdir()
    return folder


def contents(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_commit_is_checked_out_and_the_repository_is_not_touched(repository, code, tmp_path):
    (repository / "code.py").write_text("a = 3\n")
    before = contents(repository.parent)
    project = check_out(past(code, git_commit=commit(repository, "HEAD~1")), tmp_path / "made")
    assert project == tmp_path / "made" / "project"
    assert (project / "code.py").read_text() == "a = 1\n"
    assert contents(repository.parent) == before


def test_what_was_not_committed_is_there_again(repository, code, tmp_path):
    (repository / "code.py").write_bytes(b"a = 3\r\n\n")
    provenance.write_diff(code / "uncommitted.diff")
    done("git checkout -q .", repository)
    (code / "new").mkdir()
    (code / "new" / "script.py").write_text("b = 1\n")
    (code / "packages.txt").write_text("numpy==1\n")
    recorded = past(code, git_commit=commit(repository, "HEAD"))
    project = check_out(recorded, tmp_path / "made")
    found = {str(path.relative_to(project)): content for path, content in contents(project).items()}
    assert found == {"code.py": b"a = 3\r\n\n", "new/script.py": b"b = 1\n"}
    assert is_whole(recorded)


def test_of_changes_too_long_to_be_kept_the_scripts_are_there_again(repository, code, tmp_path):
    (repository / "code.py").write_text("x = 1\n" * 100_000)
    provenance.write_diff(code / "uncommitted.diff")
    (code / "code.py").write_text("x = 1\n" * 100_000)
    recorded = past(code, git_commit=commit(repository, "HEAD"))
    project = check_out(recorded, tmp_path / "made")
    assert (project / "code.py").read_text() == "x = 1\n" * 100_000
    assert not is_whole(recorded)


def test_new_scripts_alone_leave_an_empty_diff_that_is_no_hindrance(repository, code, tmp_path):
    provenance.write_diff(code / "uncommitted.diff")
    project = check_out(past(code, git_commit=commit(repository, "HEAD")), tmp_path / "made")
    assert (project / "code.py").read_text() == "a = 2\n"


def test_a_commit_that_a_shallow_clone_lacks_comes_from_its_origin(
    repository, code, tmp_path, monkeypatch
):
    done(f"git clone -q --depth 1 file://{repository.parent} shallow", tmp_path)
    shallow = tmp_path / "shallow" / "project"
    monkeypatch.setattr(checkout, "PROJECT", shallow)
    before = contents(tmp_path / "shallow")
    first = commit(repository, "HEAD~1")
    project = check_out(past(code, git_commit=first), tmp_path / "made")
    assert (project / "code.py").read_text() == "a = 1\n"
    assert contents(tmp_path / "shallow") == before


def refusal(code, tmp_path, **tags: str) -> str:
    with pytest.raises(StepError) as caught:
        check_out(past(code, **tags), tmp_path / "made")
    return str(caught.value)


def test_a_commit_that_is_nowhere_is_told_with_what_to_do(repository, code, tmp_path):
    assert refusal(code, tmp_path, git_commit="0" * 40) == (
        f"run {'1' * 32} is of commit {'0' * 40}, which is not in the repository at {repository}, "
        "which has no remote origin; git fetch it there, or run reproduce from a clone that has it"
    )


def test_a_commit_that_the_origin_lacks_too_is_told_in_the_words_of_git(repository, code, tmp_path):
    done("git remote add origin /nowhere", repository)
    said = refusal(code, tmp_path, git_commit="0" * 40)
    assert "nor to be had from its origin (git fetch: fatal: '/nowhere' does not appear to" in said


def test_a_run_outside_of_git_is_refused(repository, code, tmp_path):
    said = f"run {'1' * 32} was made outside of git, so no commit is known"
    assert refusal(code, tmp_path).startswith(said)


def test_a_project_outside_of_git_is_refused(code, tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "PROJECT", tmp_path)
    said = refusal(code, tmp_path, git_commit="0" * 40)
    assert f"and {tmp_path} is no git repository; run reproduce from a clone" in said
