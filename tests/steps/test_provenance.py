import shutil

import pytest

from steps import provenance
from tests.conftest import shell


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project under git with one commit."""
    (tmp_path / "code.py").write_text("a = 1\n")
    (tmp_path / ".gitignore").write_text("secret.py\n")
    author = "-c user.name=tests -c user.email=tests@localhost"
    done = shell(f"git init -q -b trunk && git add -A && git {author} commit -qm one", tmp_path)
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    provenance.tags.cache_clear()
    yield tmp_path
    provenance.tags.cache_clear()


def test_a_clean_project_is_named_by_commit_and_branch(project):
    tags = provenance.tags()
    commit = shell("git rev-parse HEAD", project).stdout.strip()
    found = tags["git_commit"], tags["git_branch"], tags["git_dirty"]
    assert found == (commit, "trunk", "false")


def test_a_changed_script_is_dirty_and_in_the_diff(project):
    (project / "code.py").write_text("a = 2\n")
    assert provenance.tags()["git_dirty"] == "true"
    assert "-a = 1\n+a = 2" in provenance.uncommitted()


def test_a_new_script_is_dirty_and_named(project):
    (project / "new.py").write_text("b = 1\n")
    assert provenance.tags()["git_dirty"] == "true"
    assert provenance.uncommitted().startswith("# untracked: new.py\n")


def test_what_git_ignores_is_neither_dirty_nor_shown(project):
    (project / "secret.py").write_text("key = 1\n")
    assert provenance.tags()["git_dirty"] == "false"
    assert "secret" not in provenance.uncommitted()


def test_a_long_diff_is_cut_and_says_so(project):
    (project / "code.py").write_text("x = 1\n" * 100_000)
    text = provenance.uncommitted()
    assert len(text) < provenance.MAX_DIFF + 100
    assert "characters more" in text.splitlines()[-1]


def test_without_a_repository_there_are_no_git_tags(project):
    shutil.rmtree(project / ".git")
    assert not any(name.startswith("git_") for name in provenance.tags())
