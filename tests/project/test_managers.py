"""Every environment manager: the project is run, and its artifact served and asked, in fresh ones.

``local`` is what nearly all other tests use, and ``uv`` what each proof of an artifact does.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from tests.artifacts import make_artifact
from tests.conftest import ROOT, shell

pytestmark = pytest.mark.slow
PYTHON = platform.python_version()
MANAGERS = ["uv", "virtualenv", "conda"]


@pytest.fixture
def environments(request, tmp_path) -> Path:
    """A fresh place for environments; skips where the manager of the test is missing."""
    manager = request.getfixturevalue("manager")
    program = {"virtualenv": "pyenv", "local": "python"}.get(manager, manager)
    if not shutil.which(program):
        pytest.skip(f"{manager} needs {program} on the PATH")
    if manager == "virtualenv":
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout.strip()
        if not Path(root, "versions", PYTHON).exists():
            pytest.skip(f"pyenv would have to download and compile Python {PYTHON}")
    return tmp_path / "environments"


@pytest.fixture(scope="module")
def artifact(tmp_path_factory) -> Path:
    frame = pd.read_csv(ROOT / "data" / "penguins.csv")
    return make_artifact(tmp_path_factory.mktemp("artifact") / "model", frame, "species")


@pytest.fixture(scope="module")
def expected(artifact) -> list[str]:
    model = mlflow.pyfunc.load_model(str(artifact))
    return model.predict(model.input_example)["prediction"].tolist()


def answered(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Read the answer in the last line that a command wrote."""
    assert done.returncode == 0, done.stderr
    return [row["prediction"] for row in json.loads(done.stdout.splitlines()[-1])["predictions"]]


@pytest.mark.parametrize("manager", MANAGERS)
def test_mlflow_run_makes_the_project_s_environment(clone, environments, manager, tmp_path):
    assert shell(["git", "clone", "--quiet", str(clone), "project"], tmp_path).returncode == 0
    if manager == "virtualenv":  # else pyenv compiles the newest patch of the minor version
        conda = tmp_path / "project" / "conda.yaml"
        conda.write_text(re.sub(r"- python=.*", f"- python={PYTHON}", conda.read_text()))
    done = shell(
        ["mlflow", "run", "project", "--env-manager", manager, "-P", "verify_env=local"], tmp_path,
        MLFLOW_ENV_ROOT=str(environments), MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/mlflow.db",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "registered  pyfunc-classifier version 1" in done.stdout
    assert manager == "conda" or len(os.listdir(environments)) == 1


@pytest.mark.parametrize("manager", MANAGERS)
def test_mlflow_models_serve_makes_the_artifact_s_environment(
    artifact, expected, environments, manager, tmp_path
):
    command = [sys.executable, str(ROOT / "tests" / "ask.py"), str(artifact), manager]
    done = shell(command, tmp_path, MLFLOW_ENV_ROOT=str(environments))
    assert answered(done) == expected
    assert manager == "conda" or len(os.listdir(environments)) == 1


@pytest.mark.parametrize("manager", ["local", *MANAGERS])
def test_mlflow_models_predict_makes_the_artifact_s_environment(
    artifact, expected, environments, manager, tmp_path
):
    example = str(artifact / "serving_input_example.json")
    command = ["mlflow", "models", "predict", "-m", str(artifact), "-i", example]
    done = shell([*command, "--env-manager", manager], tmp_path)
    if "error: failed to download Python" in done.stderr:
        pytest.skip("predict lets pyenv build a Python of its own, which cannot be downloaded here")
    assert answered(done) == expected
