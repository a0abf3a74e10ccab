import pytest

from steps.storage import load_training
from tests.steps.test_checkpoints import SHORT, checkpoints, curve, trained
from tests.steps.test_epochs import bits

_stopped = []


@pytest.fixture
def stopped(step):
    """A training that came to epoch 12, with checkpoints at 5 and 10; made once."""
    if not _stopped:
        _stopped.append(trained(step, max_iter=12))
    return _stopped[0]


def test_a_training_that_goes_on_from_a_run_ends_as_one_that_never_stopped(step, stopped, client):
    whole = trained(step, max_iter=25)
    resumed = trained(step, max_iter=25, resume_from=stopped.info.run_id)
    first, second = (bits(load_training(run.info.run_id).pipeline) for run in (whole, resumed))
    assert first == second
    for name in ("training_loss", "validation_loss"):
        assert curve(client, resumed, name) == curve(client, whole, name)
    assert resumed.data.metrics["best_epoch"] == whole.data.metrics["best_epoch"]


def test_a_training_goes_on_from_a_named_checkpoint_and_is_linked_to_it(step, stopped, client):
    model = checkpoints(client, stopped)[0]
    resumed = trained(step, max_iter=6, resume_from=model.model_uri)
    assert resumed.data.tags["resumed_from"] == model.model_id
    (linked,) = client.get_run(resumed.info.run_id).inputs.model_inputs
    assert linked.model_id == model.model_id
    assert [int(m.params["epoch"]) for m in checkpoints(client, resumed)] == [6]


def test_a_main_run_stands_for_its_training(step, client, stopped):
    parent = client.create_run(stopped.info.experiment_id, tags={"step": "main"})
    client.set_tag(stopped.info.run_id, "mlflow.parentRunId", parent.info.run_id)
    resumed = trained(step, max_iter=10, resume_from=parent.info.run_id)
    newest = checkpoints(client, stopped)[1]
    assert resumed.data.tags["resumed_from"] == newest.model_id


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"target": "island"},
            "is of other rows: the split (target, test_size, seed) must be as it",
        ),
        ({"seed": 1}, "is of other rows: the split (target, test_size, seed) must be as it was"),
        ({"drop": "year"}, "expected a checkpoint of the same preprocessed rows, got one of other"),
        ({"alpha": 0.1}, "was trained with alpha=0.0001, this training asks for alpha=0.1: give"),
        ({"max_iter": 9}, "is of epoch 10: expected a max_iter of that or more, got 9"),
        (
            {"classifier": "logistic_regression"},
            "expected a classifier that is trained in epochs, such",
        ),
        ({"solver": "lbfgs"}, "expected a classifier that is trained in epochs, such as neural_n"),
        ({"resume_from": "nothing"}, "expected the id of a train or main run, or models:/m-… of"),
        ({"resume_from": "models:/m-1"}, "expected the id of a train or main run, or models:/m-…"),
    ],
)
def test_what_it_cannot_go_on_from_is_told_in_one_line(step, stopped, params, message):
    params = SHORT | {"max_iter": 12, "resume_from": stopped.info.run_id} | params
    outcome = step("train", **params)
    (line,) = outcome.err.splitlines()
    assert (outcome.status, line.startswith("error: resume_from: ")) == (1, True)
    assert message in line


def test_other_data_is_refused(step, stopped, tmp_path):
    with open("data/penguins.csv") as file:
        (tmp_path / "more.csv").write_text(file.read() + "\n")
    outcome = step("train", **SHORT, data=tmp_path / "more.csv", resume_from=stopped.info.run_id)
    assert "is of other rows: the data must be as it was" in outcome.err


def test_the_chosen_weights_are_no_checkpoint(step, stopped, client):
    best = checkpoints(client, stopped)[-1]
    outcome = step("train", **SHORT, resume_from=best.model_uri)
    assert f"expected a model named checkpoint, got {best.model_id}, which holds" in outcome.err


def test_a_run_without_checkpoints_is_refused(step, client):
    run = trained(step, max_iter=3, checkpoint_every=0)
    assert checkpoints(client, run) == []
    outcome = step("train", **SHORT, resume_from=run.info.run_id)
    assert f"run {run.info.run_id} has no checkpoint" in outcome.err
