"""conda.yaml, uv.lock and pyproject.toml name the same packages in the same versions."""

import re

import pytest
import tomli
import yaml
from conda_lock.src_parser.environment_yaml import parse_environment_file

from tests.conftest import ROOT

CONDA = yaml.safe_load((ROOT / "conda.yaml").read_text())
LOCK = tomli.loads((ROOT / "uv.lock").read_text())
DECLARED = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def conda_pins() -> dict[str, str]:
    (pip,) = [entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict)]
    conda = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
    pins = [entry.partition(";")[0].split("==") for entry in pip] + [
        entry.split("=") for entry in conda
    ]
    return {name: version for name, version in pins if name != "python"}


def test_conda_yaml_names_every_declared_dependency_and_no_other():
    assert set(conda_pins()) == {re.match(r"[\w-]+", entry)[0] for entry in DECLARED}


def test_conda_yaml_pins_a_version_of_the_lock():
    locked = {(package["name"], package.get("version")) for package in LOCK["package"]}
    assert set(conda_pins().items()) <= locked


def test_the_channels_are_conda_forge_and_nodefaults():
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


NOT = {"linux-64": (), "osx-arm64": (), "win-64": ("uvloop",)}  # by a marker


@pytest.mark.parametrize("platform", NOT)
def test_conda_lock_reads_conda_yaml_for_every_platform(platform, tmp_path):
    # conda-lock would download its table of names that differ between PyPI and conda
    (tmp_path / "names.yaml").write_text("{}")
    spec = parse_environment_file(
        ROOT / "conda.yaml", [platform], mapping_url=str(tmp_path / "names.yaml")
    )
    read = {(d.name, d.version.strip("=").removesuffix(".*")) for d in spec.dependencies[platform]}
    pins = {name: version for name, version in conda_pins().items() if name not in NOT[platform]}
    assert read - {("pip", "*")} == {("python", "3.11"), *pins.items()}


def test_the_lock_holds_public_addresses_only():
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
