"""The artifact's own environment, made from its own files by the manager of choice."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
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
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def clean_environment() -> dict[str, str]:
    """Copy the process's environment without what ties a child to this repository and run."""
    ties = ("MLFLOW_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ties)}


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
    with locked(root / "pyfunc-classifier.lock"):  # MLflow takes a half-made one for made
        activate = _activation(artifact, verify_env)
        try:
            return _checked(activate, artifact, verify_env)
        except StepError:
            _remove(activate)  # a process that was killed left it half-made
            return _checked(_activation(artifact, verify_env), artifact, verify_env)


def _activation(artifact: Path, verify_env: str) -> list[str]:
    config = {"env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}}
    backend = PyFuncBackend(config | {"loader_module": FLAVOR_NAME}, env_manager=verify_env)
    try:
        return backend.prepare_env(str(artifact), capture_output=True).get_activate_command()
    except Exception as error:  # the manager's own words, at the end of much else
        raise StepError(
            f"verify_env: {verify_env} cannot make the artifact's environment: {_gist(str(error))}"
            "; verify_env=local proves the artifact in this very environment"
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
        raise StepError(
            f"verify_env: the environment made by {verify_env} does not start: {_gist(done.stderr)}"
        ) from error
    pins = parse_file(Path(artifact, "requirements.txt").read_text(encoding="utf-8"))
    other = [
        f"{pin.name}=={pin.version}"
        for pin in pins
        if pin.here and packages.get(pin.name) != pin.version
    ]
    if other:
        raise StepError(
            f"verify_env: the environment made by {verify_env} lacks {', '.join(other)}"
        )
    return Environment(activate, python, packages)


def _remove(activate: list[str]) -> None:
    found = re.search(r"source (\S+)/bin/activate", " ".join(activate))
    if found:
        shutil.rmtree(found[1], ignore_errors=True)
