"""What is no file in a folder, or not of the artifact, cannot hide in it."""

import os
import shutil

import pytest

from tests.signed import META, NOTE


def test_an_empty_folder_is_refused(signed):
    (signed.folder / "artifacts" / "cache").mkdir()
    assert "artifacts/cache" in signed.refusal()


@pytest.mark.parametrize("name", ["new", ".git/new", "artifacts/new", META])
@pytest.mark.parametrize("target", ["MLmodel", "artifacts", "nowhere", "/etc"])
def test_an_added_symlink_is_refused(signed, name, target):
    (signed.folder / name).symlink_to(signed.folder / target)
    assert f"got a symlink: '{signed.folder / name}'" in signed.refusal()


@pytest.mark.parametrize("name", ["MLmodel", "artifacts", ".git"])
def test_a_symlink_to_the_same_content_is_refused(signed, tmp_path, name):
    shutil.move(signed.folder / name, tmp_path / "moved")
    (signed.folder / name).symlink_to(tmp_path / "moved")
    assert f"got a symlink: '{signed.folder / name}'" in signed.refusal()


def test_a_symlink_to_the_folder_is_refused(signed, tmp_path):
    (tmp_path / "link").symlink_to(signed.folder)
    refusal = signed._replace(folder=tmp_path / "link").refusal()
    assert "expected the folder of an artifact, got a symlink" in refusal


def test_a_pipe_is_refused_and_not_read(signed):
    os.mkfifo(signed.folder / "pipe")
    assert "got a special file" in signed.refusal()


def test_mlflows_own_note_is_tolerated(signed):
    signed.write(META, NOTE)
    assert signed.verify()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "import os",
        NOTE + "code: import os\n",
        NOTE + "# import os\n",
        NOTE + "\n",
        "model_name: churn\n",
        "{model_name: churn, model_version: 3}",
        "model_name: [churn]\nmodel_version: '3'\n",
        "model_name: !!python/object/apply:os.system [x]\nmodel_version: '3'\n",
        f"model_name: {'x' * 20_000}\nmodel_version: '3'\n",
        "[" * 5000,
    ],
)
def test_another_content_of_mlflows_own_note_is_refused(signed, content):
    signed.write(META, content)
    assert f"{META}' holds other than MLflow writes there" in signed.refusal()


def test_a_folder_by_the_name_of_mlflows_own_note_is_refused(signed):
    signed.write(f"{META}/evil.py", "")
    assert f"{META}' holds other than MLflow writes there" in signed.refusal()
