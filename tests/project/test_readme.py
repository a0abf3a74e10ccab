"""The README's commands and code blocks are run as they stand, but for addresses and ports."""

import json
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment, shell
from tests.environments import of_the_lock
from tests.serving import free_port, wait_for
from tests.tables import customers

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for language, block in BLOCKS
    if language == "bash"
    for line in block.splitlines()
    if re.match(r"(uv run )?mlflow run", line) and "-e serve" not in line  # which does not end
]


def block(language: str, start: str) -> str:
    (found,) = [text for kind, text in BLOCKS if kind == language and text.startswith(start)]
    return found


def stable(output: str) -> list[str]:
    """Drop what differs from run to run: ids and seconds."""
    output = re.sub(r"\b[0-9a-f]{32}\b", "ID", output)
    return re.sub(r"\d+\.\d s\b", "SECONDS", output).strip().splitlines()


def test_the_first_command_prints_what_the_readme_shows(happy):
    shown = stable(block("text", "train"))
    assert stable(happy.stdout)[: len(shown)] == shown


def test_ci_runs_the_test_command_of_the_readme():
    (command,) = [line for line in block("bash", "pip install uv").splitlines() if "pytest" in line]
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


# an environment of uv's has the lock's MLflow, whose database others may not read
FURTHER = [
    pytest.param(command, marks=of_the_lock if "--env-manager uv" in command else ())
    for command in COMMANDS[1:]
]


@pytest.mark.parametrize("command", FURTHER)
def test_every_run_command_of_the_readme_succeeds(happy, clone, git_url, tmp_path, command):
    customers().to_csv(tmp_path / "churn.csv", index=False)
    command = command.replace("/abs/", f"{tmp_path}/")
    command = command.replace("https://github.com/you/pyfunc-classifier", git_url)
    done = shell(command, clone, MLFLOW_ENV_ROOT=str(tmp_path / "environments"))
    assert done.returncode == 0, done.stderr


def test_the_python_block_of_the_readme_prints_a_row_for_each_row(happy, clone):
    done = shell(["uv", "run", "python", "-c", block("python", "import mlflow")], clone)
    assert done.returncode == 0, done.stderr
    assert "probability_Gentoo" in done.stdout
    assert "[344 rows x 3 columns]" in done.stdout


def serve_and_ask(serve: str, ask: str, folder: Path, **changes: str) -> str:
    """Run a serve command and, when it answers, an ask command, on a free port."""
    port = str(free_port())
    serve, ask = serve.replace("5001", port), ask.replace("5001", port)
    process = subprocess.Popen(
        shlex.split(serve),
        cwd=folder, env=environment(**changes), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        return shell(ask, folder).stdout
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.mark.parametrize(
    "start", ["uv run mlflow models serve", "uv run mlflow run . --env-manager local -e serve"]
)
def test_the_serve_and_curl_blocks_of_the_readme_work_together(start, happy, clone):
    answer = serve_and_ask(block("bash", start), block("bash", "curl"), clone)
    (row,) = json.loads(answer)["predictions"]
    assert row["prediction"] in ("Adelie", "Chinstrap", "Gentoo")
    assert "probability_Chinstrap" in row


def test_the_commands_that_package_prints_work_from_another_folder(happy, clone, tmp_path):
    lines = [
        line for line in happy.stdout.splitlines() if line.startswith(("export", "uv", "curl"))
    ]
    export, serve, ask, load, ui = lines
    settings = dict([export.removeprefix("export ").split("=", 1)])
    in_clone = f"uv run --project {clone}"
    assert "prediction" in shell(load.replace("uv run", in_clone), tmp_path, **settings).stdout
    answer = serve_and_ask(serve.replace("uv run", in_clone), ask, tmp_path, **settings)
    assert answer.startswith('{"predictions": [{"prediction": "')
    assert ui == f"uv run mlflow ui --backend-store-uri {settings['MLFLOW_TRACKING_URI']}"
