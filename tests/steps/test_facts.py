import pytest

from steps import model_card, report
from steps.cache import CACHED_FROM
from steps.facts import facts_of
from tests.facts import happy_runs


@pytest.fixture
def runs(client):
    """The runs of the happy path: train, evaluate, package."""
    found = happy_runs(client)
    return [found[step] for step in ("train", "evaluate", "package")]


@pytest.fixture
def new_run(client, request):
    experiment_id = client.create_experiment(request.node.nodeid)
    return lambda **tags: client.get_run(client.create_run(experiment_id, tags=tags).info.run_id)


def test_the_happy_path_is_told_from_end_to_end(runs):
    facts = facts_of(*runs)
    assert (facts["classifier"], facts["target"]) == ("hist_gradient_boosting", "species")
    assert facts["training_rows"] == 275
    assert [row["label"] for row in facts["classes"]] == ["Adelie", "Chinstrap", "Gentoo"]
    assert facts["features"]["categorical"] == ["island", "sex"]
    assert facts["data_sha256"] == runs[0].data.tags["data_sha256"]
    assert facts["verdict"] == "VALIDATED"
    assert [run["id"] for run in facts["runs"]] == [run.info.run_id for run in runs]
    assert (facts["model"]["name"], facts["model"]["version"]) == ("pyfunc-classifier", "1")
    assert facts["proof"]["rows"] == 69


def test_the_metrics_are_those_of_the_evaluation(runs):
    told = {row["metric"]: row["value"] for row in facts_of(*runs)["metrics"]}
    measured = runs[1].data.metrics
    assert told == pytest.approx({name: measured[name] for name in told})
    assert "roc_auc" in told


def test_the_slices_stand_worst_first(runs):
    found = [row["roc_auc"] for row in facts_of(*runs)["slices"]]
    assert len(found) > 3
    assert found == sorted(found)


def test_the_slices_of_a_loss_stand_highest_first(client, new_run):
    run = new_run(step="evaluate")
    table = {"columns": ["slice", "rows", "log_loss"], "data": [["a", 30, 0.1], ["b", 30, 0.9]]}
    client.log_dict(run.info.run_id, table, "slices.json")
    client.log_dict(run.info.run_id, {"metric": "log_loss"}, "verdict.json")
    assert [row["slice"] for row in facts_of(new_run(), run)["slices"]] == ["b", "a"]


def test_every_plot_is_taken(runs, client):
    logged = client.list_artifacts(runs[1].info.run_id, "plots")
    plots = facts_of(*runs)["plots"]
    assert {f"plots/{name}.png" for name in plots} >= {file.path for file in logged}
    assert all(content.startswith(b"\x89PNG") for content in plots.values())


def test_both_are_made_of_a_real_run(runs):
    facts = facts_of(*runs)
    assert "pyfunc-classifier version 1" in report.render(facts)
    assert "pyfunc-classifier version 1" in model_card.render(facts)


def test_before_packaging_there_is_no_version(runs):
    facts = facts_of(runs[0], runs[1])
    assert (facts["model"]["version"], facts["proof"]) == ("", {})
    assert "models:/pyfunc-classifier@champion" in facts["use"]["pandas"]


def test_runs_that_hold_nothing_are_told_all_the_same(new_run):
    facts = facts_of(new_run(), new_run(), new_run())
    assert facts["verdict"] == "NOT EVALUATED"
    assert "NOT EVALUATED" in report.render(facts)
    assert "NOT EVALUATED" in model_card.render(facts)


def test_a_forced_model_needs_no_evaluation(new_run):
    forced = new_run(verdict="FORCED", forced_because="never evaluated")
    facts = facts_of(new_run(), None, forced)
    assert (facts["verdict"], facts["forced_because"]) == ("FORCED", "never evaluated")


def test_a_run_that_stands_for_another_is_told_by_that_one(runs, new_run):
    cached = [new_run(**{CACHED_FROM: run.info.run_id}) for run in runs]
    assert facts_of(*cached) == facts_of(*runs)


def test_a_password_in_the_address_of_the_data_is_not_told(client, new_run):
    run = new_run()
    client.log_param(run.info.run_id, "data", "https://me:secret@host/a.csv")
    assert "secret" not in report.render(facts_of(client.get_run(run.info.run_id), None))
