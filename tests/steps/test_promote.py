from datetime import datetime

import pytest

from steps.lifecycle import audit_trail

NAME = "promote-test"


@pytest.fixture(scope="module")
def made():
    """Whether the versions are made."""
    return []


@pytest.fixture
def versions(step, client, made):
    """Three versions: 1 was champion before 2, 3 is the challenger."""
    if not made:
        for seed, alias in ((1, "champion"), (2, "champion"), (3, "challenger")):
            assert step("main", model_name=NAME, alias=alias, seed=seed, max_iter=9).status == 0
        made.append(True)
    for alias, version in (("champion", 2), ("previous", 1), ("challenger", 3)):
        client.set_registered_model_alias(NAME, alias, version)
    return client


def aliases(client) -> dict:
    found = client.get_registered_model(NAME).aliases
    return {alias: str(version) for alias, version in found.items()}


def test_packaging_moves_the_champion_and_remembers_the_previous_one(step, made):
    for seed, alias in ((1, "champion"), (2, "champion"), (3, "challenger")):
        assert step("main", model_name=NAME, alias=alias, seed=seed, max_iter=9).status == 0
    made.append(True)
    from mlflow import MlflowClient

    assert aliases(MlflowClient()) == {"champion": "2", "previous": "1", "challenger": "3"}


def test_the_stages_follow_the_aliases(step, versions):
    step("promote", model_name=NAME, version=1)
    step("promote", model_name=NAME, version=2)
    stages = [versions.get_model_version(NAME, v).tags["lifecycle_stage"] for v in ("1", "2", "3")]
    assert stages == ["Archived", "Production", "Staging"]


def test_the_challenger_becomes_champion_by_default_and_is_challenger_no_more(step, versions):
    outcome = step("promote", model_name=NAME)
    assert (outcome.status, aliases(versions)) == (0, {"champion": "3", "previous": "2"})


def test_previous_rolls_back_in_one_command_and_back_again(step, versions):
    step("promote", model_name=NAME, version="previous")
    assert aliases(versions)["champion"] == "1"
    step("promote", model_name=NAME, version="previous")
    assert aliases(versions)["champion"] == "2"


def test_another_alias_has_a_previous_of_its_own(step, versions):
    step("promote", model_name=NAME, version=1, alias="eu")
    step("promote", model_name=NAME, version=2, alias="eu")
    found = aliases(versions)
    assert (found["eu"], found["previous-eu"], found["previous"]) == ("2", "1", "1")
    for alias in ("eu", "previous-eu"):
        versions.delete_registered_model_alias(NAME, alias)


def test_the_audit_trail_tells_who_when_from_to_and_why(step, versions, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    outcome = step("promote", model_name=NAME, version=1, why="2 is too slow")
    entry = audit_trail(NAME)[-1]
    run = outcome.runs("promote")[0]
    when = datetime.fromisoformat(entry.pop("when")).timestamp()
    assert -1 < when - run.info.start_time / 1000 < 60
    assert entry == {
        "who": "ada", "alias": "champion", "from": "2", "to": "1", "why": "2 is too slow",
        "run_id": run.info.run_id, "previous": "1",
    }  # fmt: skip


def test_a_version_that_does_not_exist_is_refused(step, versions):
    outcome = step("promote", model_name=NAME, version=99)
    assert outcome.err == (
        f"error: version: {NAME} has no version or alias '99'; "
        "the entry point versions lists them\n"
    )


def test_a_version_that_was_forced_is_refused_until_forced_again(step, versions):
    step("train", max_iter=5)
    step("evaluate", gates="accuracy>1", model_name=NAME)
    assert step("package", model_name=NAME, alias="challenger", force="true").status == 0
    outcome = step("promote", model_name=NAME)
    assert "expected the verdict VALIDATED, got FORCED; package it again, or" in outcome.err
    assert aliases(versions)["champion"] == "2"
    forced = step("promote", model_name=NAME, force="true", why="the boss wants it")
    assert forced.err.startswith("warning: FORCED: version")
    assert audit_trail(NAME)[-1]["why"] == "FORCED: the boss wants it"


@pytest.mark.parametrize("tag", ["evaluate_run_id", "package_run_id", "train_run_id"])
def test_a_version_whose_tags_were_edited_is_refused(step, versions, tag):
    good = versions.get_model_version(NAME, "3").tags[tag]
    versions.set_model_version_tag(NAME, "3", tag, "0" * 32)
    try:
        outcome = step("promote", model_name=NAME, version=3)
    finally:
        versions.set_model_version_tag(NAME, "3", tag, good)
    assert (outcome.status, aliases(versions)["champion"]) == (1, "2")


def test_a_version_registered_by_hand_is_refused(step, versions):
    source = versions.get_model_version(NAME, "3").source
    by_hand = versions.create_model_version(NAME, source)
    outcome = step("promote", model_name=NAME, version=by_hand.version)
    assert "expected the verdict VALIDATED, got none" in outcome.err


def test_a_version_with_tags_borrowed_from_another_is_refused(step, versions):
    lender = versions.get_model_version(NAME, "3")
    borrowed = versions.create_model_version(NAME, lender.source, tags=lender.tags)
    outcome = step("promote", model_name=NAME, version=borrowed.version)
    assert "its package run made no such version" in outcome.err


@pytest.mark.parametrize("alias", ["latest", "v1", "", "a/b"])
def test_an_alias_that_mlflow_will_not_take_is_refused_before_any_work(step, alias):
    for entry_point in ("promote", "package", "main"):
        outcome = step(entry_point, alias=alias, model_name="no such model")
        assert outcome.err.startswith("error: alias: ")


def test_a_model_name_that_mlflow_will_not_take_is_refused_before_any_work(step):
    outcome = step("main", model_name="a/b", data="/nowhere.csv")
    assert outcome.err.startswith("error: model_name: Invalid model name 'a/b'")
