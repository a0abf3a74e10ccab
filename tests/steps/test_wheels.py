"""An artifact with wheels needs no index: no package and no build tool comes from elsewhere."""

import json
import re
import shutil
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml

from steps.errors import StepError
from steps.folders import files_of, sha256_of
from steps.wheels import add_wheels, built_for
from tests.artifacts import make_artifact
from tests.conftest import ROOT, shell
from tests.offline import offline, without_index

ASK = (
    "import mlflow; m = mlflow.pyfunc.load_model({!r}); print(m.predict(m.input_example).to_json())"
)


def penguins() -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "penguins.csv")


@pytest.fixture(scope="module")
def wheeled(tmp_path_factory) -> Path:
    return make_artifact(
        tmp_path_factory.mktemp("wheeled") / "model", penguins(), "species", wheels=True
    )


@pytest.fixture(scope="module")
def expected(wheeled) -> dict[str, dict]:
    model = mlflow.pyfunc.load_model(str(wheeled))
    return json.loads(model.predict(model.input_example).to_json())


def install(python: Path, artifact: Path, folder: Path, *prefix: str):
    """Make an environment from ``requirements.txt``, from any folder but the artifact's."""
    made = shell(["uv", "venv", "--quiet", "--python", sys.executable, str(python)], folder)
    assert made.returncode == 0, made.stderr
    requirements = str(artifact / "requirements.txt")
    return shell([*prefix, "uv", "pip", "install", "-qp", str(python), "-r", requirements], folder)


def test_it_loads_and_answers_where_there_is_no_network(wheeled, expected, tmp_path):
    prefix = offline(tmp_path)
    done = install(tmp_path / "environment", wheeled, tmp_path, *prefix)
    assert done.returncode == 0, done.stderr
    python = str(tmp_path / "environment" / "bin" / "python")
    done = shell([*prefix, python, "-c", ASK.format(str(wheeled))], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == expected


def test_every_package_and_build_tool_is_required_by_the_digest_of_its_wheel(wheeled):
    required = (wheeled / "requirements.txt").read_text().splitlines()
    build = yaml.safe_load((wheeled / "python_env.yaml").read_text())["build_dependencies"]
    assert required[:2] == build[:2] == ["--no-index", "--find-links wheels"]
    digests = {line.partition(" --hash=sha256:")[2] for line in required[2:] + build[2:]}
    assert digests == {sha256_of(path) for path in (wheeled / "wheels").iterdir()}
    assert {line.partition("==")[0] for line in build[2:]} >= {"pip", "setuptools", "wheel"}
    assert {line.partition("==")[0] for line in required} >= {"mlflow-skinny", "onnxruntime"}


def test_conda_gets_the_same_lines(wheeled):
    pip = yaml.safe_load((wheeled / "conda.yaml").read_text())["dependencies"][-1]["pip"]
    assert pip == (wheeled / "requirements.txt").read_text().splitlines()


def test_what_was_required_before_is_kept_for_other_platforms(wheeled):
    lines = (wheeled / "original_requirements.txt").read_text().splitlines()
    assert any(re.match(r"onnxruntime==\S+", line) for line in lines)
    assert not any(line.startswith("--") for line in lines)


def test_the_size_of_the_model_counts_the_wheels(wheeled):
    wheels = sum(path.stat().st_size for path in (wheeled / "wheels").iterdir())
    size = mlflow.models.Model.load(str(wheeled)).model_size_bytes
    assert 50_000 < size - wheels < 500_000


def test_a_signature_covers_the_wheels(wheeled):
    wheels = {f"wheels/{path.name}" for path in (wheeled / "wheels").iterdir()}
    assert len(wheels) > 20
    assert wheels <= set(files_of(wheeled))


def test_loading_reads_no_wheel(wheeled, expected, tmp_path):
    ignored = shutil.ignore_patterns("wheels")
    model = mlflow.pyfunc.load_model(shutil.copytree(wheeled, tmp_path / "m", ignore=ignored))
    assert json.loads(model.predict(model.input_example).to_json()) == expected


def test_an_altered_wheel_is_refused(wheeled, tmp_path):
    altered = shutil.copytree(wheeled, tmp_path / "altered")
    (wheel,) = (altered / "wheels").glob("zipp-*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    done = install(tmp_path / "environment", altered, tmp_path, *without_index(tmp_path))
    assert done.returncode != 0
    assert "Hash mismatch for `zipp" in done.stderr


def test_a_download_that_fails_names_the_package_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    told = r"^wheels: cannot download .*No matching distribution found for [\w-]+=="
    with pytest.raises(StepError, match=told) as caught:
        make_artifact(tmp_path / "model", penguins(), "species", wheels=True)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_package_whose_hash_is_another_than_required_is_not_packed(tmp_path):
    (tmp_path / "requirements.txt").write_text(f"zipp==3.23.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(StepError, match=r"DO NOT MATCH THE HASHES.*zipp==3\.23\.0"):
        add_wheels(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("manager", ["uv", "virtualenv"])
def test_it_is_served_where_there_is_no_network(wheeled, expected, tmp_path, manager):
    command = [*offline(tmp_path), sys.executable, str(ROOT / "tests" / "ask.py")]
    done = shell([*command, str(wheeled), manager], tmp_path, MLFLOW_ENV_ROOT=str(tmp_path / "env"))
    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout.splitlines()[-1])["predictions"]
    assert [row["prediction"] for row in answered] == list(expected["prediction"].values())


@pytest.mark.slow
def test_it_predicts_where_there_is_no_network(wheeled, expected, tmp_path):
    done = shell(
        [
            *offline(tmp_path), "mlflow", "models", "predict", "-m", str(wheeled),
            "--env-manager", "uv", "-i", str(wheeled / "serving_input_example.json"),
        ],
        tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout.splitlines()[-1])["predictions"]
    assert [row["prediction"] for row in answered] == list(expected["prediction"].values())


@pytest.mark.slow
def test_a_version_says_that_it_holds_wheels_and_for_what(step, client):
    outcome = step("main", model_name="wheeled", wheels="true", max_iter=5)
    assert outcome.status == 0, outcome.err
    assert re.search(rf"wheels +for {built_for()}; the artifact has \d\d MiB", outcome.out)
    version = client.get_model_version("wheeled", "1")
    assert version.tags["wheels_for"] == built_for()
    assert f"without an index, on {built_for()} only" in version.description


@pytest.mark.slow
def test_a_run_that_cannot_download_registers_nothing_and_keeps_no_model(step, client, monkeypatch):
    step("train")
    step("evaluate", model_name="wheel-less")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    outcome = step("package", model_name="wheel-less", wheels="true")
    assert outcome.err.startswith("error: wheels: cannot download a wheel of each package")
    assert client.search_registered_models("name = 'wheel-less'") == []
    names = [model.name for model in client.search_logged_models([outcome.experiment_id])]
    assert names == ["pipeline"]
