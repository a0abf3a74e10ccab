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

from steps.environment import locked
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

    file = folder / "conda.yaml"
    conda = yaml.safe_load(file.read_text())
    conda["dependencies"][-1] = {"pip": lines}
    file.write_text(yaml.safe_dump(conda, sort_keys=False, width=float("inf")))

    file = folder / "python_env.yaml"
    python_env = yaml.safe_load(file.read_text())
    python_env["build_dependencies"] = _hashed(python_env["build_dependencies"])
    file.write_text(yaml.safe_dump(python_env, sort_keys=False, width=float("inf")))


def _hashed(lines: list[str]) -> list[str]:
    """Pin build tools and what they require, by hashes: pip refuses a file where some have none."""
    try:
        return [pin.line for pin in locked(*(parse(line).name for line in lines))]
    except ValueError:  # not installed, so not pinned
        return lines


# what MLflow takes for a flavor, with the name that it records
FLAVOR = SimpleNamespace(save_model=save_model, __name__=mlflow.pyfunc.__name__)
