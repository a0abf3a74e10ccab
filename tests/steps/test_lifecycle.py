"""A move of an alias that was cut off is taken back, and nothing else is."""

import pytest
from mlflow.exceptions import MlflowException

from steps import lifecycle
from steps.lifecycle import audit_trail, move_alias, undo_move
from steps.registry import find_alias

SOURCE = "file:///nowhere"


@pytest.fixture
def model(client, request):
    """Three versions; champion 2, previous 1."""
    name = f"lifecycle {request.node.name[:60]}"
    client.create_registered_model(name)
    for _ in range(3):
        client.create_model_version(name, SOURCE)
    for version in ("1", "2"):
        move_alias(client.get_model_version(name, version), "champion", "", f"run {version}")
    return name


def state(client, name: str) -> tuple:
    aliases = {alias: str(v) for alias, v in client.get_registered_model(name).aliases.items()}
    stages = [client.get_model_version(name, v).tags.get("lifecycle_stage") for v in "123"]
    return aliases, stages


BEFORE = ({"champion": "2", "previous": "1"}, ["Archived", "Production", None])


def cut_off(client, monkeypatch, name: str) -> None:
    """Move champion to 3, but for the last call."""
    real = type(client).set_registered_model_alias

    def struck(self, model, alias, version):
        if alias == "champion":
            raise KeyboardInterrupt
        real(self, model, alias, version)

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "undo_move", lambda *_: None)  # as if the process were killed
        patch.setattr(type(client), "set_registered_model_alias", struck)
        with pytest.raises(KeyboardInterrupt):
            move_alias(client.get_model_version(name, "3"), "champion", "", "run 3")


def test_a_move_that_was_cut_off_before_the_alias_moved_is_taken_back(client, model, monkeypatch):
    assert state(client, model) == BEFORE
    cut_off(client, monkeypatch, model)
    assert state(client, model) != BEFORE
    undo_move(client, model, "run 3")
    assert state(client, model) == BEFORE
    assert [entry["to"] for entry in audit_trail(model)] == ["1", "2"]


def test_a_move_that_fails_is_taken_back_at_once(client, model, monkeypatch):
    real = type(client).set_registered_model_alias

    def refused(self, name, alias, version):
        if alias == "champion" and str(version) == "3":
            raise MlflowException("503")
        real(self, name, alias, version)

    monkeypatch.setattr(type(client), "set_registered_model_alias", refused)
    with pytest.raises(MlflowException):
        move_alias(client.get_model_version(model, "3"), "champion", "", "run 3")
    assert state(client, model) == BEFORE
    assert [entry["to"] for entry in audit_trail(model)] == ["1", "2"]


def test_a_version_under_two_aliases_keeps_the_higher_stage_when_one_leaves(client, model):
    move_alias(client.get_model_version(model, "2"), "eu", "", "run 5")
    move_alias(client.get_model_version(model, "3"), "eu", "", "run 6")
    assert state(client, model)[1] == ["Archived", "Production", "Production"]


def test_a_challenger_that_another_one_replaced_is_archived(client, model):
    for version in ("1", "3"):
        move_alias(client.get_model_version(model, version), "challenger", "", f"run {version}0")
    assert state(client, model)[1] == ["Archived", "Production", "Staging"]


def test_a_move_that_was_done_is_not_taken_back(client, model):
    undo_move(client, model, "run 2")
    assert state(client, model) == BEFORE


def test_the_move_of_another_run_is_not_taken_back(client, model, monkeypatch):
    cut_off(client, monkeypatch, model)
    undo_move(client, model, "run 1")
    assert [entry["to"] for entry in audit_trail(model)] == ["1", "2", "3"]


def test_an_alias_that_moves_to_where_it_is_leaves_previous_alone(client, model):
    move_alias(client.get_model_version(model, "2"), "champion", "again", "run 4")
    assert str(find_alias(model, "previous").version) == "1"
