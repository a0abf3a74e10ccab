"""The environment files of an artifact, as pip and uv read them."""

import os
import re
import shutil
import subprocess
import sys

import mlflow
import pytest
import yaml
from mlflow.utils.virtualenv import _get_python_env

from steps.lock import parse, parse_file
from tests.artifacts import make_artifact
from tests.environments import of_the_lock
from tests.tables import customers


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    return make_artifact(tmp_path_factory.mktemp("locked") / "model", customers(), "churn")


@pytest.fixture
def requirements(artifact):
    return (artifact / "requirements.txt").read_text()


@of_the_lock
def test_every_requirement_has_its_hashes_and_mlflow_adds_none_without(requirements):
    pins = parse_file(requirements)
    assert all(pin.hashes for pin in pins)
    assert "mlflow" not in {pin.name for pin in pins}
    left = re.sub(
        r"^\S+==\S+(; .*)? \\\n(    --hash=sha256:\w{64}( \\)?\n)+", "", requirements, flags=re.M
    )
    assert left == ""


def test_conda_yaml_pins_the_same_lines(artifact, requirements):
    conda = yaml.safe_load((artifact / "conda.yaml").read_text())
    assert [parse(line) for line in conda["dependencies"][-1]["pip"]] == parse_file(requirements)
    assert conda["dependencies"][0] == f"python={sys.version.split()[0]}"


@of_the_lock
def test_the_build_tools_have_hashes_too(artifact):
    python_env = _get_python_env(artifact)
    tools = [parse(line) for line in python_env.build_dependencies]
    assert {"pip", "wheel", "packaging"} <= {tool.name for tool in tools}  # which wheel requires
    assert all(tool.hashes for tool in tools)
    assert python_env.dependencies == ["-r requirements.txt"]


@of_the_lock
@pytest.mark.parametrize(
    ("python", "platform"), [("3.10", "linux"), ("3.12", "windows"), ("3.13", "macos")]
)
def test_another_python_and_platform_finds_every_package_by_its_hash(artifact, python, platform):
    here = ["--python-version", python, "--python-platform", platform, "--target", "into"]
    done = subprocess.run(
        ["uv", "pip", "install", "--dry-run", "--require-hashes", *here, "-r", "requirements.txt"],
        cwd=artifact,
        capture_output=True,
        text=True,
        env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"},  # the oldest of onnxruntime's wheels
    )
    assert done.returncode == 0, done.stderr


@of_the_lock
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_tampered_hash_is_refused(requirements, installer, tmp_path):
    pins = {pin.name: pin for pin in parse_file(requirements)}
    bad = pins["six"]._replace(hashes=("0" * 64,))
    (tmp_path / "requirements.txt").write_text(f"{pins['zipp'].line}\n{bad.line}\n")
    command = {
        "pip": [sys.executable, "-m", "pip", "install", "--target", "into"],
        "uv": ["uv", "pip", "install", "--target", "into"],
    }[installer]
    done = subprocess.run(
        [*command, "--no-deps", "-r", "requirements.txt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert re.search(
        r"(?i)hash mismatch for `six==|do not match the hashes.*\n *six==", done.stderr
    )
    assert not list(tmp_path.glob("into/six*"))


def test_other_versions_than_the_packaged_ones_are_told_in_one_line(artifact, tmp_path, caplog):
    folder = shutil.copytree(artifact, tmp_path / "model")
    model = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(re.sub(r"(?m)^( +numpy:) .*$", r"\1 1.0.0", model))
    mlflow.pyfunc.load_model(str(folder))
    (line,) = [r.getMessage() for r in caplog.records if r.name == "pyfunc_classifier"]
    assert re.fullmatch(
        r"this model was packaged with numpy 1\.0\.0 \(here [\d.]+\): its answers may differ; "
        r"install its requirements.txt",
        line,
    )
