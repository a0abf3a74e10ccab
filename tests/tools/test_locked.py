import subprocess

import pytest
from uv import find_uv_bin

from steps.errors import StepError
from steps.lock import EVERYTHING, RUNTIME
from tests.conftest import ROOT
from tools.locked import pins


def test_a_package_that_no_index_has_is_refused_by_name(tmp_path):
    for folder, rest in {
        tmp_path: 'dependencies = ["mine"]\n[tool.uv.sources]\nmine = {path = "mine"}\n',
        tmp_path / "mine": "",
    }.items():
        folder.mkdir(exist_ok=True)
        about = f'[project]\nname = "{folder.name}"\nversion = "1"\nrequires-python = ">=3.10"\n'
        (folder / "pyproject.toml").write_text(about + rest)
    subprocess.run([find_uv_bin(), "lock", "--offline", "--quiet"], cwd=tmp_path, check=True)
    with pytest.raises(
        StepError, match=r"as name==version, got \./mine: conda\.yaml cannot name it"
    ):
        pins(tmp_path, *RUNTIME)


def test_every_group_is_read_whatever_uv_is_set_to_leave_out(monkeypatch):
    whole = pins(ROOT, *EVERYTHING)
    monkeypatch.setenv("UV_NO_DEV", "1")
    assert pins(ROOT, *EVERYTHING) == whole
