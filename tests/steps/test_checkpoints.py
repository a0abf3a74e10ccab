import mlflow

from steps.storage import load_training

SHORT = {"classifier": "neural_network", "checkpoint_every": 5}


def checkpoints(client, run):
    """The logged models of a run, oldest first, with their metrics."""
    found = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"
    )
    found = [client.get_logged_model(model.model_id) for model in found if model.name != "pipeline"]
    return sorted(found, key=lambda model: int(model.params["epoch"]))


def curve(client, run, name):
    return [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]


def trained(step, **params):
    outcome = step("train", **SHORT | params)
    assert outcome.status == 0, outcome.err
    return outcome.runs("train")[0]


def test_every_k_epochs_a_checkpoint_is_a_logged_model_with_its_metrics(step, client):
    run = trained(step, max_iter=12)
    losses = dict(curve(client, run, "validation_loss"))
    named = [model for model in checkpoints(client, run) if model.name == "checkpoint"]
    linked = [(m.key, m.step, m.value) for model in named for m in model.metrics]
    assert [x for x in linked if x[0] == "validation_loss"] == [
        ("validation_loss", 5, losses[5]), ("validation_loss", 10, losses[10]),
    ]  # fmt: skip
    outputs = {(o.model_id, o.step) for o in client.get_run(run.info.run_id).outputs.model_outputs}
    assert {(model.model_id, int(model.params["epoch"])) for model in named} <= outputs


def test_the_best_epoch_is_a_metric_and_a_tag_on_the_model_with_its_weights(step, client):
    run = trained(step, max_iter=7)
    (best,) = [m for m in checkpoints(client, run) if m.tags.get("best") == "true"]
    assert int(best.params["epoch"]) == run.data.metrics["best_epoch"] == 7
    kept = load_training(run.info.run_id).pipeline["classifier"]
    logged = mlflow.sklearn.load_model(best.model_uri)["classifier"]
    assert all((a == b).all() for a, b in zip(kept.coefs_, logged.coefs_, strict=True))
