"""What a rerun of main does again, and what it does not."""

import shutil

import mlflow
import pytest

from steps import cache
from steps.registry import find_alias
from steps.system_metrics import is_cost
from tests.conftest import ROOT

NAME = "cache-test"
NOTHING, EVERYTHING = [], ["train", "evaluate", "package"]


@pytest.fixture(scope="module")
def experiments():
    """The one experiment of this module, once it is made."""
    return []


@pytest.fixture
def redone(step, client, artifacts, experiments, monkeypatch):
    """Run main in one and the same experiment; returns the steps that it did not reuse."""
    if not experiments:
        experiments.append(client.create_experiment("cache", artifact_location=artifacts))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiments[0])

    def run(**params):
        outcome = step("main", model_name=NAME, max_iter=5, **params)
        assert outcome.status == 0, outcome.err
        (parent, *_) = client.search_runs(experiments, "tags.step = 'main'")
        runs = client.search_runs(
            experiments, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
        )
        done = {run.data.tags["step"]: "cached_from" not in run.data.tags for run in runs}
        assert done.keys() == set(EVERYTHING)
        return [name for name in EVERYTHING if done[name]], outcome

    run()
    champion = find_alias(NAME, "champion").version
    yield run
    client.set_registered_model_alias(NAME, "champion", champion)


def test_a_rerun_reuses_every_step_and_shows_it(redone):
    version = find_alias(NAME, "champion").version
    steps, outcome = redone()
    assert (steps, outcome.out.count("  cached  ")) == (NOTHING, 3)
    assert find_alias(NAME, "champion").version == version


def test_a_reused_step_shows_the_metrics_of_the_one_it_stands_for(redone, client, experiments):
    redone()
    newest = client.search_runs(experiments, "tags.step = 'evaluate'")[0]
    first = client.get_run(newest.data.tags["cached_from"])
    found, expected = (
        {k: v for k, v in run.data.metrics.items() if not is_cost(k)} for run in (newest, first)
    )
    assert found == expected
    assert found["accuracy"] > 0.9
    assert newest.data.metrics["cpu_seconds"] != first.data.metrics["cpu_seconds"]


def test_other_gates_are_judged_anew_on_the_same_training(redone):
    assert redone(gates="roc_auc>0.6")[0] == ["evaluate", "package"]


def test_another_environment_manager_packages_anew_only(redone):
    assert redone(verify_env="local")[0] == ["package"]


def test_one_more_byte_of_data_does_everything_again(redone, tmp_path):
    path = tmp_path / "penguins.csv"
    shutil.copy(ROOT / "data" / "penguins.csv", path)
    assert redone(data=path)[0] == NOTHING  # content counts, not the path
    with path.open("a") as file:
        file.write("\n")
    assert redone(data=path)[0] == EVERYTHING


def test_an_alias_that_was_moved_away_is_judged_and_packaged_anew(redone, client):
    champion = find_alias(NAME, "champion")
    another = client.create_model_version(NAME, champion.source)
    client.set_registered_model_alias(NAME, "champion", another.version)
    assert redone()[0] == ["evaluate", "package"]


def test_step_by_step_commands_are_never_answered_from_the_cache(redone, step):
    outcome = step("train", max_iter=5)
    assert "cached" not in outcome.out


@pytest.mark.slow
def test_another_hyperparameter_does_everything_again(redone):
    assert redone(learning_rate=0.2)[0] == EVERYTHING


@pytest.mark.slow
def test_fresh_does_everything_again(redone):
    assert redone(fresh="true")[0] == EVERYTHING


def test_a_deleted_training_artifact_is_made_anew(redone, client, experiments):
    for run in client.search_runs(experiments, "tags.step = 'train'"):
        if "cached_from" not in run.data.tags:
            shutil.rmtree(mlflow.artifacts.download_artifacts(f"{run.info.artifact_uri}/training"))
    assert redone()[0] == EVERYTHING


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the code, whose keys are asked."""
    for name in ("steps", "custom_model"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("custom_model/predictor.py", EVERYTHING),
        ("custom_model/model.py", ["package"]),
        ("custom_model/preprocessing.py", ["train"]),  # the others follow its run,
        ("custom_model/classifiers.py", ["train"]),
        ("steps/data.py", EVERYTHING),
        ("steps/metrics.py", EVERYTHING),  # train measures its own rows too
        ("steps/plots.py", ["evaluate"]),
        ("steps/proof.py", ["package"]),
        ("steps/export.py", ["package"]),
        ("steps/console.py", NOTHING),
        ("steps/promote.py", NOTHING),
    ],
)
def test_a_changed_line_of_code_changes_the_keys_of_the_steps_that_use_it(copy, file, changed):
    before = {step: cache.key_of(step) for step in EVERYTHING}
    with (copy / file).open("a") as code:
        code.write("\nANOTHER_LINE = 1\n")
    assert [step for step in EVERYTHING if cache.key_of(step) != before[step]] == changed


def test_another_version_of_any_package_changes_every_key(monkeypatch):
    before = cache.key_of("train")
    monkeypatch.setattr(cache, "environment_sha256", lambda: "another")
    assert cache.key_of("train") != before


def test_what_setuptools_brings_along_is_not_installed():
    before = cache.packages()
    cache.packages.cache_clear()
    import setuptools  # noqa: F401

    assert cache.packages() == before
