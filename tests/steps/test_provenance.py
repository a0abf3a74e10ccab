import os
import shutil
from pathlib import Path

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


@pytest.mark.parametrize("setting", ["diff.noprefix true", "diff.context 0", "color.diff always"])
def test_the_diff_of_a_changed_script_applies_to_its_commit(project, setting, tmp_path_factory):
    shell(f"git config {setting}", project)
    changed = b"a = 2\r\n\n\n"
    (project / "code.py").write_bytes(changed)
    diff = tmp_path_factory.mktemp("diff") / "uncommitted.diff"
    assert provenance.tags()["git_dirty"] == "true"
    provenance.write_diff(diff)
    done = shell(f"git stash -q && git apply {diff}", project)
    assert (done.returncode, (project / "code.py").read_bytes()) == (0, changed), done.stderr


def test_where_git_does_not_answer_nothing_is_called_clean(project, monkeypatch, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bin")
    script = 'case $1 in status|diff) exit 1;; *) exec {git} "$@";; esac'
    (folder / "git").write_text("#!/bin/sh\n" + script.format(git=shutil.which("git")))
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    assert provenance.tags()["git_dirty"] == "unknown"
    provenance.write_diff(folder / "uncommitted.diff")
    assert (folder / "uncommitted.diff").read_text().startswith("# not to be had: git diff")


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux tells it there")
def test_the_model_of_the_processor_is_told(project):
    model = provenance.tags()["cpu"].partition(" x ")[2]
    assert model in Path("/proc/cpuinfo").read_text()


def test_a_new_script_is_dirty(project):
    (project / "new.py").write_text("b = 1\n")
    assert provenance.tags()["git_dirty"] == "true"
    assert provenance._untracked() == ["new.py"]


def test_what_git_ignores_is_neither_dirty_nor_taken(project):
    (project / "secret.py").write_text("key = 1\n")
    assert provenance.tags()["git_dirty"] == "false"
    assert provenance._untracked() == []


def test_a_long_diff_is_a_summary_and_says_so(project, tmp_path_factory):
    (project / "code.py").write_text("x = 1\n" * 100_000)
    diff = tmp_path_factory.mktemp("diff") / "uncommitted.diff"
    provenance.write_diff(diff)
    first, *rest = diff.read_text().splitlines()
    assert first == "# longer than 200000 bytes, in short:"
    assert "code.py | 100001 " in rest[0]


def test_without_a_repository_there_are_no_git_tags(project):
    shutil.rmtree(project / ".git")
    assert not any(name.startswith("git_") for name in provenance.tags())
