"""The artifact's own environment, made from its own files by the manager of choice."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mlflow.environment_variables import MLFLOW_ENV_ROOT
from mlflow.pyfunc import FLAVOR_NAME
from mlflow.pyfunc.backend import PyFuncBackend

from steps.errors import StepError
from steps.lock import parse_file
from steps.locks import locked
from steps.parameters import one_of

# what each manager needs on the PATH, and how to get it
MANAGERS = {
    "uv": ("uv", "pip install uv"),
    "virtualenv": ("pyenv", "see github.com/pyenv/pyenv"),
    "conda": ("conda", "see conda-forge.org/download"),
    "local": ("bash", ""),
}
INVENTORY = (
    "import json, platform, re; from importlib.metadata import distributions; "
    "print(json.dumps([platform.python_version(), "
    "{re.sub('[-_.]+', '-', d.name).lower(): d.version for d in distributions()}]))"
)


class Environment(NamedTuple):
    """An environment that is ready to run commands."""

    activate: list[str]
    python: str
    packages: dict[str, str]  # name -> version

    def start(self, command: str, folder: Path, log: Path, **settings: str) -> subprocess.Popen:
        """Start a command in a folder, with none of the caller's MLflow settings.

        It ends with this process, however that ends: it watches a pipe that only we hold open.
        """
        watch = "exec 3<&0; { cat <&3 > /dev/null; kill -TERM -- -$$; } &"
        script = f"{watch} {' && '.join([*self.activate, command])} < /dev/null"
        with log.open("w") as file:
            return subprocess.Popen(
                ["bash", "-c", script],
                cwd=folder,
                env=clean_environment() | settings,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def stop(process: subprocess.Popen) -> None:
    """Stop what ``Environment.start`` started, with all its children."""
    process.stdin.close()  # type: ignore[union-attr]
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):  # its children may take longer, and nothing of them is kept
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def clean_environment() -> dict[str, str]:
    """Copy the process's environment without what ties a child to this repository and run."""
    ties = ("MLFLOW_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT")
    free = {name: value for name, value in os.environ.items() if not name.startswith(ties)}
    return free | {"MLFLOW_DISABLE_TELEMETRY": "true"}  # nobody is told of a proof


def check_manager(verify_env: str) -> None:
    """Refuse a manager that is not there, before any work.

    Raises
    ------
    StepError
    """
    one_of("verify_env", verify_env, MANAGERS)
    program, remedy = MANAGERS[verify_env]
    if not shutil.which(program):
        raise StepError(
            f"verify_env: {verify_env} needs {program} on the PATH ({remedy}); or prove the "
            "artifact in this very environment with verify_env=local"
        )


def make_environment(artifact: Path, verify_env: str) -> Environment:
    """Make, or find made, the environment of an artifact as ``mlflow models serve`` would.

    Parameters
    ----------
    artifact : Path
        Folder of the artifact.
    verify_env : str
        A key of ``MANAGERS``.

    Returns
    -------
    Environment

    Raises
    ------
    StepError
        When it cannot be made, or does not hold what ``requirements.txt`` pins.
    """
    if verify_env == "local":
        activate = [f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"]
        return _checked(activate, artifact, verify_env)
    root = Path(MLFLOW_ENV_ROOT.get())
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "pyfunc-classifier.lock"):
        try:
            return _checked(_activation(artifact, verify_env), artifact, verify_env)
        except _UnusableError as error:  # MLflow takes what a killed process left for made
            if error.folder is None or error.folder.parent != root or not error.folder.exists():
                raise
            shutil.rmtree(error.folder, ignore_errors=True)
            return _checked(_activation(artifact, verify_env), artifact, verify_env)


class _UnusableError(StepError):
    """An environment cannot be used, in the folder that commands name."""

    def __init__(self, message: str, commands: str) -> None:
        super().__init__(message)
        found = re.search(r"source (\S+)/bin/activate", commands)
        self.folder = Path(found[1]) if found else None


def _activation(artifact: Path, verify_env: str) -> list[str]:
    config = {"env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}}
    backend = PyFuncBackend(config | {"loader_module": FLAVOR_NAME}, env_manager=verify_env)
    try:
        return backend.prepare_env(str(artifact), capture_output=True).get_activate_command()
    except Exception as error:  # the manager's own words, at the end of much else
        raise _UnusableError(
            f"verify_env: {verify_env} cannot make the artifact's environment: {_gist(str(error))}"
            "; verify_env=local proves the artifact in this very environment",
            str(error),
        ) from error


def _gist(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if re.search(r"(?i)error|mismatch|hashes|no solution|cannot|could not|because", line)
    ]
    return " ".join((telling or lines)[-2:])[:400]


def _checked(activate: list[str], artifact: Path, verify_env: str) -> Environment:
    command = f"python -c {shlex.quote(INVENTORY)}"
    done = subprocess.run(
        ["bash", "-c", " && ".join([*activate, command])],
        cwd=artifact,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    try:
        python, packages = json.loads(done.stdout)
    except ValueError as error:
        raise _UnusableError(
            f"verify_env: the environment made by {verify_env} does not start: "
            f"{_gist(done.stderr)}",
            " ".join(activate),
        ) from error
    pins = parse_file(Path(artifact, "requirements.txt").read_text(encoding="utf-8"))
    other = [
        f"{pin.name}=={pin.version}"
        for pin in pins
        if pin.here and packages.get(pin.name) != pin.version
    ]
    if other:
        raise _UnusableError(
            f"verify_env: the environment made by {verify_env} lacks {', '.join(other)}",
            " ".join(activate),
        )
    return Environment(activate, python, packages)
