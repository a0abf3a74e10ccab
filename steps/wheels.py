"""Wheels beside the artifact, from which its environment can be made without any index."""

import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME, ModelInfo
from packaging.utils import parse_wheel_filename

from steps import locked_pyfunc
from steps.errors import StepError
from steps.folders import sha256_of

FOLDER = "wheels"
REQUIREMENTS = "requirements.txt"
ORIGINAL = "original_requirements.txt"  # as mlflow.models.add_libraries_to_model names it


def built_for() -> str:
    """Name what the wheels made here run on.

    Returns
    -------
    str
        Such as ``linux-x86_64 with glibc 2.36, Python 3.11``: a newer glibc will do, and most often
        an older one.
    """
    # a Python for both kinds of Mac gets the wheels of the one that it runs on
    system = sysconfig.get_platform().replace("universal2", platform.machine())
    libc = " ".join(platform.libc_ver()).strip()
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return f"{system}{' with ' if libc else ''}{libc}, {python}"


def save_model(path: str, mlflow_model: Model | None = None, **contents: Any) -> None:
    """Save a pyfunc model with the wheels of all that its environment holds.

    Parameters
    ----------
    path : str
    mlflow_model : Model, optional
        MLflow's metadata, to be filled.
    **contents
        As ``steps.locked_pyfunc.save_model`` takes them.

    Raises
    ------
    StepError
        Naming the package that has no wheel for this platform, or cannot be downloaded.
    """
    model = mlflow_model or Model()
    locked_pyfunc.save_model(path=path, mlflow_model=model, **contents)
    folder = Path(path)
    add_wheels(folder)
    # as add_libraries_to_model says it, and knows it again
    model.wheels = {"platform": platform.platform()}  # type: ignore[attr-defined]
    model.model_size_bytes = sum(
        file.stat().st_size for file in folder.rglob("*") if file.is_file()
    )
    model.save(str(folder / MLMODEL_FILE_NAME))


def told_of(info: ModelInfo) -> dict[str, str]:
    """Say how large a logged model with wheels is, for the console."""
    size = Model.load(info.model_uri).model_size_bytes or 0
    return {"wheels": f"for {built_for()}; the artifact has {size / 2**20:.0f} MiB"}


def add_wheels(folder: Path) -> None:
    """Download the wheels of a saved model's packages and build tools, and require just those.

    Parameters
    ----------
    folder : Path
        Whose ``requirements.txt``, ``python_env.yaml`` and ``conda.yaml`` are written anew: no
        index, and each package by version and the SHA-256 of its wheel. What was required before
        stays in ``original_requirements.txt``.
    """
    (folder / FOLDER).mkdir()
    required = _downloaded((folder / REQUIREMENTS).read_text(encoding="utf-8"), folder / FOLDER)
    build = _downloaded("\n".join(locked_pyfunc.build_tools(folder)), folder / FOLDER)
    (folder / REQUIREMENTS).rename(folder / ORIGINAL)
    (folder / REQUIREMENTS).write_text("\n".join(required) + "\n", encoding="utf-8")
    locked_pyfunc.rewrite(folder, required, build)


def _downloaded(requirements: str, wheels: Path) -> list[str]:
    """Download wheels with all that they require; returns the lines that require just those."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, REQUIREMENTS).write_text(requirements, encoding="utf-8")
        command = [*pip, "download", "--only-binary=:all:", "--dest=.", f"-r{REQUIREMENTS}"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
        if done.returncode:
            raise StepError(
                f"wheels: cannot download a wheel of each package for {built_for()}: "
                f"{_gist(done.stderr)}; nothing is packaged: mend that, or leave wheels out"
            )
        files = sorted(Path(scratch).glob("*.whl"))
        lines = ["--no-index", f"--find-links {FOLDER}", *map(_pinned, files)]
        for file in files:
            shutil.move(file, wheels / file.name)
    return lines


def _pinned(wheel: Path) -> str:
    name, version, *_ = parse_wheel_filename(wheel.name)
    return f"{name}=={version} --hash=sha256:{sha256_of(wheel)}"


def _gist(said: str) -> str:
    """Cut pip's last error out of what it said."""
    last = said[max(said.rfind("ERROR: "), 0) :].removeprefix("ERROR: ")
    return " ".join(last.split())[:400] or "pip says nothing"


# what MLflow takes for a flavor, with the name that it records
FLAVOR = SimpleNamespace(save_model=save_model, __name__=mlflow.pyfunc.__name__)
