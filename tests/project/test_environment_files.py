"""conda.yaml, uv.lock and pyproject.toml name the same packages in the same versions."""

import re
from importlib.metadata import requires, version

import msgspec
import yaml
from mlflow.utils.environment import _PythonEnv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from steps.lock import RUNTIME
from tests.conftest import ROOT
from tests.environments import of_conda, of_the_lock
from tools.conda_yaml import PYTHON, render
from tools.locked import pins

CONDA = yaml.safe_load((ROOT / "conda.yaml").read_text())
PIP = [Requirement(line) for line in CONDA["dependencies"][-1]["pip"]]
DECLARED = msgspec.toml.decode((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def test_conda_yaml_is_what_the_lock_renders():
    rendered = render(pins(ROOT, *RUNTIME))
    assert rendered == (ROOT / "conda.yaml").read_text(), (
        "conda.yaml is not what uv.lock says: run `uv run python -m tools render`"
    )


def closure() -> dict[str, str]:
    """Walk the metadata of what is installed, from what is declared."""
    found, left = {}, [(Requirement(line), "") for line in DECLARED]
    while left:
        wanted, extra = left.pop()
        name = canonicalize_name(wanted.name)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        news = {"", *wanted.extras} if name not in found else wanted.extras
        found[name] = version(name)
        left += [(Requirement(line), extra) for extra in news for line in requires(name) or ()]
    return found


@of_conda
@of_the_lock
def test_conda_yaml_pins_the_whole_closure_of_what_is_declared():
    pinned = {pin.name: pin.specifier for pin in PIP if not pin.marker or pin.marker.evaluate()}
    (pip,) = (entry for entry in CONDA["dependencies"] if str(entry).startswith("pip="))
    installed = {name: f"=={number}" for name, number in closure().items()}
    assert {name: str(pin) for name, pin in pinned.items()} == {
        name: pin for name, pin in installed.items() if name != "pip"
    }
    assert pip == "pip=" + installed["pip"].strip("=")


def test_the_channels_are_conda_forge_and_nodefaults():
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


def test_mlflow_reads_of_conda_yaml_all_that_pip_and_uv_are_to_install():
    read = _PythonEnv.from_conda_yaml(ROOT / "conda.yaml")
    assert read.python == PYTHON
    assert [dependency.split("==")[0] for dependency in read.build_dependencies] == ["pip"]
    assert [Requirement(line) for line in read.dependencies] == PIP


def test_the_lock_holds_public_addresses_only():
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_the_build_tools_whose_versions_mlflow_records_are_installed_by_every_manager():
    assert set(_PythonEnv.BUILD_PACKAGES) <= {pin.name for pin in pins(ROOT, *RUNTIME)}
