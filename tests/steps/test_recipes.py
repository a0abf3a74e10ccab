import json
import shlex
from typing import NamedTuple

import pandas as pd
import pytest
from mlflow import MlflowClient

from steps.recipes import MOST_SPELLED, example_row, reproduction, usage
from tests.facts import CONTRACT, happy_runs

TRAINED = {
    "data": "data/penguins.csv", "target": "species", "classifier": "random_forest", "seed": "7",
    "n_estimators": "20", "random_state": "7", "max_depth": "None", "n_jobs": "1",
}  # fmt: skip


class Recipe(NamedTuple):
    reproduce: list[str]
    by_hand: list[str]
    run_id: str


@pytest.fixture
def recipe(client):
    experiment_id = client.create_experiment(f"recipes {pd.Timestamp.now().isoformat()}")

    def write(evaluated: dict[str, str] | None = None, **tags: str) -> Recipe:
        runs = {}
        for step, params in {"train": TRAINED, "evaluate": evaluated or {}}.items():
            run_id = client.create_run(experiment_id, tags=tags).info.run_id
            for name, value in params.items():
                client.log_param(run_id, name, value)
            runs[step] = client.get_run(run_id)
        _, reproduce, *by_hand = reproduction(runs).splitlines()
        return Recipe(shlex.split(reproduce[2:]), by_hand, runs["train"].info.run_id)

    return write


def test_what_is_at_its_default_is_left_out(recipe):
    (command,) = recipe({"gates": "roc_auc>0.5,gain_over_baseline>0", "alias": "champion"}).by_hand
    assert shlex.split(command) == [
        "uv", "run", "mlflow", "run", ".", "--env-manager", "local",
        "-P", "classifier=random_forest", "-P", "seed=7", "-P", "n_estimators=20",
    ]  # fmt: skip


def test_a_value_with_blanks_and_quotes_survives_the_shell(recipe):
    (command,) = recipe({"model_name": "it's mine"}).by_hand
    assert "model_name=it's mine" in shlex.split(command)


def test_the_commit_is_checked_out_and_the_data_checked(recipe):
    first, second, _ = recipe(git_commit="abc", data_sha256="f00").by_hand
    assert first == "git checkout abc"
    assert second == "echo 'f00  data/penguins.csv' | sha256sum --check"


def test_changes_that_are_in_no_commit_are_told_first(recipe):
    assert recipe(git_dirty="true").by_hand[0].startswith("# the files had changes")


def test_what_came_from_a_git_url_comes_from_there_again(recipe):
    found = recipe(**{"mlflow.source.name": "https://me:secret@host/x.git", "git_commit": "a"})
    run = "mlflow run https://...@host/x.git --version a --env-manager uv"
    assert found.by_hand[0].startswith(f"{run} -P")
    assert found.reproduce == [*run.split(), "-e", "reproduce", "-P", f"run_id={found.run_id}"]


def test_the_command_that_compares_the_answers_too_stands_first(recipe):
    found = recipe()
    assert found.reproduce == [
        "uv", "run", "mlflow", "run", ".", "--env-manager", "local", "-e", "reproduce",
        "-P", f"run_id={found.run_id}",
    ]  # fmt: skip


def test_the_example_row_is_made_of_medians_and_frequent_categories():
    assert example_row(CONTRACT) == {
        "age": 41.0, "city": "Oslo", "joined": "2024-01-01T00:00:00+00:00", "member": "true",
        "note": "some words",
    }  # fmt: skip


def test_a_long_row_is_read_from_the_artifact_instead():
    wide = {"features": [CONTRACT["features"][0] | {"name": "x" * MOST_SPELLED}]}
    found = usage("churn", "champion", wide)
    assert "rows = model.input_example" in found["pandas"]
    assert found["HTTP"].endswith("-d @serving_input_example.json")


def test_without_a_name_or_a_contract_there_is_no_use():
    assert usage("", "champion", CONTRACT) == usage("churn", "champion", {}) == {}


def contract_of(client: MlflowClient) -> dict:
    run_id = happy_runs(client)["train"].info.run_id
    path = client.download_artifacts(run_id, "training/contract.json")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def test_the_pandas_snippet_runs_as_it_stands(client, capsys):
    contract = contract_of(client)
    code = usage("pyfunc-classifier", "champion", contract)["pandas"]
    exec(code, {})
    assert "probability_Gentoo" in capsys.readouterr().out


def test_the_request_holds_the_row():
    curl = shlex.split(usage("churn", "champion", CONTRACT)["HTTP"].splitlines()[-1])
    assert json.loads(curl[-1])["dataframe_records"] == [example_row(CONTRACT)]


def test_what_differs_from_its_default_by_case_only_is_there(recipe):
    (command,) = recipe({"alias": "Champion", "force": "false"}).by_hand
    assert "alias=Champion" in shlex.split(command)
    assert "force" not in command
