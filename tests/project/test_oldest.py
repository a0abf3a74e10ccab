"""What the oldest supported versions packaged loads, and answers alike, under these."""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT, shell
from tests.tables import customers, ten_classes

pytestmark = pytest.mark.slow

OLDEST = "3.10"
TABLES = {"churn": customers, "label": ten_classes}
MAKE = """
import sys
from pathlib import Path
import pandas as pd
from tests.artifacts import make_artifact
folder, target, form = sys.argv[1:]
table = pd.read_parquet(f"{target}.parquet")
make_artifact(Path(folder), table, target, graph=form == "graph")
"""
ANSWER = """
import sys
import mlflow, pandas as pd
from steps.storage import as_signed, contract_at
folder, target, answers = sys.argv[1:]
rows = as_signed(pd.read_parquet(f"{target}.parquet"), contract_at(folder))
rows.iloc[:9] = None
rows.loc[9:20, rows.dtypes == object] = "2031-12-31"
params = {"output": "all", "on_error": "null"}
mlflow.pyfunc.load_model(folder).predict(rows, params=params).to_parquet(answers)
"""
Ran = Callable[..., str]


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder, and in it an environment of the lowest versions that pyproject.toml allows."""
    if shell(f"uv python find --no-python-downloads {OLDEST}", ROOT).returncode:
        pytest.skip(f"Python {OLDEST} is not here")
    folder = tmp_path_factory.mktemp("oldest")
    for target, table in TABLES.items():
        table().to_parquet(folder / f"{target}.parquet")
    lowest = ["--resolution", "lowest-direct", "-r", str(ROOT / "pyproject.toml")]
    for command in (
        ["uv", "venv", "--quiet", "--python", OLDEST, "environment"],
        ["uv", "pip", "install", "-q", "-p", "environment", *lowest],
    ):
        done = shell(command, folder)
        assert done.returncode == 0, done.stderr
    return folder, str(folder / "environment" / "bin" / "python")


def ran(folder: Path, *command: str) -> str:
    """Run Python in the folder, with this repository's modules; returns what it said."""
    done = shell([*command], folder, PYTHONPATH=str(ROOT))
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("target", TABLES)
def test_a_graph_of_the_oldest_versions_answers_every_row_alike_under_these(oldest, target):
    folder, python = oldest
    assert not ran(folder, python, "-c", MAKE, target, target, "graph")
    answers = []
    for interpreter in (python, sys.executable):
        assert not ran(folder, interpreter, "-c", ANSWER, target, target, "answers.parquet")
        answers.append(pd.read_parquet(folder / "answers.parquet"))
    assert answers[0]["probability"].notna().sum() > 500
    pd.testing.assert_frame_equal(*answers, rtol=0, atol=1e-6)


def test_a_pickle_of_the_oldest_versions_is_refused_in_one_line(oldest):
    folder, python = oldest
    assert not ran(folder, python, "-c", MAKE, "pickle", "churn", "pickle")
    assert not ran(folder, python, "-c", ANSWER, "pickle", "churn", "there.parquet")
    refused = ran(folder, sys.executable, "-c", ANSWER, "pickle", "churn", "here.parquet")
    assert "this model was pickled by" in refused.splitlines()[-1]
    assert refused.splitlines()[-1].endswith("(--env-manager uv), or package it again")
