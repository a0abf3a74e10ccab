import os
import sys
from pathlib import Path

import pytest
import yaml
from conda_lock.content_hash import compute_content_hashes
from conda_lock.lockfile import write_conda_lock_file
from conda_lock.lockfile.v2prelim.models import Lockfile, LockMeta
from conda_lock.models.channel import Channel
from conda_lock.virtual_package import default_virtual_package_repodata
from packaging.requirements import Requirement

from tests.conftest import ROOT, shell
from tools.conda_lock import LOCK, PLATFORMS, specification, stale

CONDA_YAML = ROOT / "conda.yaml"
SYSTEMS = {"linux-64": "linux", "osx-arm64": "darwin", "osx-64": "darwin", "win-64": "win32"}


@pytest.fixture(scope="module")
def spec():
    """What conda-lock reads of our conda.yaml."""
    return specification(CONDA_YAML)


@pytest.mark.parametrize("platform", SYSTEMS)
def test_conda_lock_reads_every_pin_of_conda_yaml_for_every_platform(spec, platform):
    pip = map(Requirement, yaml.safe_load(CONDA_YAML.read_text())["dependencies"][-1]["pip"])
    here = {"sys_platform": SYSTEMS[platform]}
    pins = {
        pin.name: str(pin.specifier) for pin in pip if not pin.marker or pin.marker.evaluate(here)
    }
    read = {one.name: one.version for one in spec.dependencies[platform] if one.manager == "pip"}
    assert read == pins


def test_conda_lock_takes_python_and_pip_from_conda_forge(spec):
    conda = {
        one.name: one.version for one in spec.dependencies["linux-64"] if one.manager == "conda"
    }
    assert conda == {"python": "3.11.*", "pip": "*"}  # it forgets the pin of pip
    assert [channel.url for channel in spec.channels] == ["conda-forge"]


@pytest.mark.skipif(
    not (ROOT / LOCK).exists(),
    reason=f"no {LOCK}: none was solved, for want of a conda channel where this was developed",
)
def test_the_conda_lock_is_of_this_conda_yaml():
    assert stale(CONDA_YAML, ROOT / LOCK) == [], "run `uv run python -m tools conda-lock`"


def made_up(spec, path: Path) -> Path:
    """A lock of no package, with the hashes that conda-lock would write for our conda.yaml."""
    hashes = compute_content_hashes(spec, default_virtual_package_repodata())
    metadata = LockMeta(
        content_hash=hashes,
        channels=[Channel.from_string("conda-forge")],
        platforms=list(hashes),
        sources=["conda.yaml"],
    )
    write_conda_lock_file(Lockfile(package=[], metadata=metadata), path, metadata_choices=None)
    return path


def test_a_lock_of_this_conda_yaml_is_fresh(spec, tmp_path):
    assert stale(CONDA_YAML, made_up(spec, tmp_path / LOCK)) == []


def test_a_lock_of_other_pins_is_stale(spec, tmp_path):
    other = tmp_path / "conda.yaml"
    other.write_text(CONDA_YAML.read_text().replace("- wheel==", "- wheel==1!"))
    assert stale(other, made_up(spec, tmp_path / LOCK)) == list(PLATFORMS)


def test_a_lock_without_a_platform_is_stale_for_it(spec, tmp_path):
    lock = made_up(spec, tmp_path / LOCK)
    text = yaml.safe_load(lock.read_text())
    del text["metadata"]["content_hash"]["win-64"]
    lock.write_text(yaml.safe_dump(text))
    assert stale(CONDA_YAML, lock) == ["win-64"]


def locking(folder: Path, path: str):
    return shell(
        [sys.executable, "-m", "tools", "conda-lock"], folder, PATH=path, PYTHONPATH=str(ROOT)
    )


def test_without_a_solver_one_line_says_what_is_needed(tmp_path):
    done = locking(tmp_path, str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "expected one of micromamba, mamba, conda on the PATH to solve conda.yaml, found none: "
        "install one, or run the GitHub workflow conda-lock and commit what it uploads\n"
    )


def test_what_no_solver_solved_is_not_written(tmp_path):
    (tmp_path / "conda.yaml").write_text(CONDA_YAML.read_text())
    solver = tmp_path / "micromamba"
    solver.write_text("#!/bin/sh\nexit 1\n")
    solver.chmod(0o755)
    done = locking(tmp_path, f"{tmp_path}{os.pathsep}{os.defpath}")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == "micromamba did not solve conda.yaml, see above: conda-lock.yml is as it was"
    assert not (tmp_path / LOCK).exists()
