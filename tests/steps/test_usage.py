import json
import shlex

import pandas as pd
import pytest

from steps.usage import commands

ROW = pd.DataFrame({"name": ["O'Neil"], "n": [1.0], "nothing": [None]}, index=[7])


@pytest.fixture
def lines(client, monkeypatch):
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)
    text = commands("my model", "champion", ROW)
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_request_holds_the_row_also_with_quotes_and_nulls(lines):
    curl = shlex.split(next(line for line in lines if line.startswith("curl")))
    assert json.loads(curl[-1]) == {
        "dataframe_split": {"columns": ["name", "n", "nothing"], "data": [["O'Neil", 1.0, None]]}
    }


def test_the_store_is_named_so_that_the_commands_work_from_any_folder(lines, store):
    assert lines[0] == f"export MLFLOW_TRACKING_URI={store}"
    assert lines[-1] == f"mlflow ui --backend-store-uri {store}"


def test_under_uv_run_the_commands_start_with_it(client, monkeypatch):
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert "uv run mlflow models serve -m models:/m@champion" in commands("m", "champion", ROW)


def test_a_tracking_uri_of_the_users_own_is_not_printed(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@localhost:1")
    assert "secret" not in commands("m", "champion", ROW)
