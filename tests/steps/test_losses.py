import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from steps.fitting import fit
from steps.losses import curves, loss_curve, training_metrics
from steps.metrics import METRICS
from tests.steps.test_epochs import CHURN, LABEL, network

STAGED = [
    ("hist_gradient_boosting", {"max_iter": 8}),
    ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 8}),
    ("sklearn.ensemble.AdaBoostClassifier", {"n_estimators": 8}),
]


def fitted(table, classifier, **hyperparameters):
    """A pipeline fitted on all rows but the last hundred, and both parts."""
    _, matrix, indices = table
    pipeline = network(table, classifier, **hyperparameters)
    fit(pipeline, matrix[:-100], indices[:-100])
    parts = {
        "training": (matrix[:-100], indices[:-100]), "validation": (matrix[-100:], indices[-100:]),
    }  # fmt: skip
    return pipeline, parts


@pytest.mark.parametrize("table", [CHURN, LABEL])
@pytest.mark.parametrize(("classifier", "hyperparameters"), STAGED)
def test_a_boosting_has_a_loss_for_each_iteration(table, classifier, hyperparameters):
    pipeline, parts = fitted(table, classifier, **hyperparameters)
    losses = curves(pipeline, parts)
    assert {name: len(values) for name, values in losses.items()} == {
        "training_loss": 8, "validation_loss": 8,
    }  # fmt: skip
    for part, (matrix, indices) in parts.items():
        final = log_loss(indices, pipeline.predict_proba(matrix))
        assert losses[f"{part}_loss"][-1] == pytest.approx(final, rel=1e-6)


def test_the_loss_of_an_iteration_is_that_of_a_fit_that_stops_there():
    losses = [
        curves(*fitted(CHURN, "hist_gradient_boosting", max_iter=n))["validation_loss"]
        for n in (3, 8)
    ]
    np.testing.assert_array_equal(losses[0], losses[1][:3])


@pytest.mark.parametrize("classifier", ["random_forest", "logistic_regression"])
def test_a_classifier_without_iterations_has_its_final_loss(classifier):
    pipeline, parts = fitted(CHURN, classifier)
    matrix, indices = parts["validation"]
    (loss,) = curves(pipeline, parts)["validation_loss"]
    assert loss == pytest.approx(log_loss(indices, pipeline.predict_proba(matrix)), rel=1e-6)


def test_a_network_has_the_losses_of_its_epochs():
    pipeline, parts = fitted(CHURN, "neural_network", max_iter=4)
    losses = {name: values.tolist() for name, values in curves(pipeline, parts).items()}
    remembered = pipeline["classifier"].epochs_
    assert losses == {name: remembered[name] for name in ("training_loss", "validation_loss")}


def test_a_network_that_held_nothing_out_has_the_final_loss_of_the_held_out_rows():
    pipeline, parts = fitted(CHURN, "neural_network", max_iter=4, early_stopping="false")
    losses = curves(pipeline, parts)
    assert {name: len(values) for name, values in losses.items()} == {
        "training_loss": 4, "validation_loss": 1,
    }  # fmt: skip


def test_every_metric_of_the_seat_is_taken_on_the_training_rows():
    pipeline, parts = fitted(LABEL, "random_forest")
    measured = training_metrics(pipeline, *parts["training"], None)
    matrix, indices = parts["training"]
    assert set(measured) == {f"training_{name}" for name in METRICS}
    assert measured["training_accuracy"] == accuracy_score(indices, pipeline.predict(matrix))


def test_rows_beyond_ten_thousand_are_not_looked_at():
    pipeline, _ = fitted(CHURN, "logistic_regression")
    matrix, indices = (np.resize(x, (10_050, *x.shape[1:])) for x in CHURN[1:])
    spoiled = indices.copy()
    spoiled[10_000:] = 1 - spoiled[10_000:]
    assert curves(pipeline, {"training": (matrix, indices)}) == curves(
        pipeline, {"training": (matrix, spoiled)}
    )


def test_the_plot_shows_both_curves_and_the_best_epoch():
    losses = {"training_loss": np.array([3.0, 2.0]), "validation_loss": np.array([3.0, 2.5])}
    (axes,) = loss_curve(losses, 2).axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines["Training"] == [[1, 3], [2, 2]]
    assert lines["Validation"] == [[1, 3], [2, 2.5]]
    assert "Best epoch (2)" in lines


def test_train_logs_a_step_for_each_iteration_and_the_plot(step, client):
    run = step("train", max_iter=7).runs("train")[0]
    for name in ("training_loss", "validation_loss"):
        history = client.get_metric_history(run.info.run_id, name)
        assert [m.step for m in history] == list(range(1, 8))
    plots = client.list_artifacts(run.info.run_id, "plots")
    assert "plots/loss_curve.png" in [plot.path for plot in plots]
    assert run.data.metrics["training_accuracy"] > 0.9


def test_train_logs_one_loss_and_no_plot_for_a_classifier_without_iterations(step, client):
    run = step("train", classifier="logistic_regression").runs("train")[0]
    (loss,) = client.get_metric_history(run.info.run_id, "validation_loss")
    assert (loss.step, loss.value) == (1, run.data.metrics["validation_loss"])
    plots = client.list_artifacts(run.info.run_id, "plots")
    assert "plots/loss_curve.png" not in [plot.path for plot in plots]
