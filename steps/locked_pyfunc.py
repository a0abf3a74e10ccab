"""The pyfunc flavor of MLflow, with every package pinned in the model's environment files.

MLflow 3.17 takes a requirement with a hash for no requirement of MLflow, and adds an ``mlflow``
without one; pip then refuses the whole file. So MLflow writes the environment files with the
packages that the model imports, and they are completed here before anything is logged.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import yaml
from mlflow.models import Model

from steps.console import warn
from steps.environment import locked
from steps.errors import listed
from steps.lock import parse, parse_file


def save_model(path: str, mlflow_model: Model | None = None, **contents: Any) -> None:
    """Save a pyfunc model whose environment files pin all that its packages require.

    Parameters
    ----------
    path : str
        A folder that does not exist.
    mlflow_model : Model, optional
        What ``Model.log`` gives.
    **contents
        Of ``mlflow.pyfunc.save_model``; ``pip_requirements`` are exact pins.
    """
    mlflow.pyfunc.save_model(path=path, mlflow_model=mlflow_model, **contents)
    complete(Path(path))


def complete(folder: Path) -> None:
    """Rewrite the environment files of a saved model, with hashes where uv.lock has them."""
    file = folder / "requirements.txt"
    lines = [pin.line for pin in locked(*(pin.name for pin in parse_file(file.read_text())))]
    file.write_text("".join(f"{line}\n" for line in lines).replace(" --hash", " \\\n    --hash"))
    rewrite(folder, lines, _hashed(build_tools(folder)))


def rewrite(folder: Path, packages: list[str], tools: list[str]) -> None:
    """Let ``conda.yaml`` and ``python_env.yaml`` of a saved model require other lines.

    Parameters
    ----------
    folder : Path
    packages, tools : list of str
        Lines of a requirements file: those of ``requirements.txt``, and the build tools.
    """
    conda = _read(folder / "conda.yaml")
    of_conda = [entry for entry in conda["dependencies"] if isinstance(entry, str)]
    _write(folder / "conda.yaml", conda | {"dependencies": [*of_conda, {"pip": packages}]})
    python_env = _read(folder / "python_env.yaml")
    _write(folder / "python_env.yaml", python_env | {"build_dependencies": tools})


def build_tools(folder: Path) -> list[str]:
    """Read which build tools a saved model requires, as lines of a requirements file."""
    return _read(folder / "python_env.yaml")["build_dependencies"]


def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, width=float("inf")), encoding="utf-8")


def _hashed(lines: list[str]) -> list[str]:
    """Pin build tools and what they require, by hashes: pip refuses a file where some have none."""
    try:
        return [pin.line for pin in locked(*(parse(line).name for line in lines))]
    except ValueError:  # MLflow pins what is installed
        warn(
            f"the artifact's build tools are not all pinned: {listed(lines)}; expected pip, "
            "setuptools and wheel to be installed (uv sync installs them)"
        )
        return lines


# what MLflow takes for a flavor, with the name that it records
FLAVOR = SimpleNamespace(save_model=save_model, __name__=mlflow.pyfunc.__name__)
