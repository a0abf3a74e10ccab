import pickle

import numpy as np
import pytest
from sklearn.metrics import log_loss as by_scikit_learn

from custom_model.predictor import encode
from steps.contract import infer_contract
from steps.counts import log_loss
from steps.epochs import has_epochs, validation_positions
from steps.errors import StepError
from steps.fitting import build_pipeline, fit
from steps.rows import class_indices
from tests.tables import customers, ten_classes


def encoded(frame, target):
    features, labels = frame.drop(columns=target), frame[target]
    contract, _ = infer_contract(features, labels)
    return contract, encode(features, contract), class_indices(labels, contract)


CHURN = encoded(customers(), "churn")
LABEL = encoded(ten_classes(), "label")


def network(table=CHURN, classifier="neural_network", seed=0, **hyperparameters):
    return build_pipeline(table[0], classifier, seed, hyperparameters)


def fitted(table=CHURN, on_epoch=None, **hyperparameters):
    pipeline = network(table, **hyperparameters)
    warned = fit(pipeline, *table[1:], on_epoch)
    return pipeline, warned


def bits(pipeline):
    """All that a fitted network is: its weights and how it came to them."""
    estimator = pipeline["classifier"]
    weights = b"".join(part.tobytes() for part in estimator.coefs_ + estimator.intercepts_)
    return weights, estimator.epochs_, estimator.n_iter_, estimator.loss_curve_


@pytest.mark.parametrize("table", [CHURN, LABEL])
def test_the_log_loss_is_that_of_scikit_learn(table):
    _, matrix, indices = table
    scores = fitted(table, max_iter=3)[0].predict_proba(matrix)
    scores[0] = np.eye(scores.shape[1])[indices[0] - 1]  # certain, and wrong
    assert log_loss(indices, scores) == pytest.approx(by_scikit_learn(indices, scores), rel=1e-6)


def test_the_validation_rows_are_a_stratified_tenth_of_the_training_rows():
    *_, indices = LABEL
    chosen = validation_positions(network(LABEL)["classifier"], indices)
    assert len(chosen) == len(indices) // 10
    shares = np.bincount(indices[chosen]) / len(chosen) - np.bincount(indices) / len(indices)
    assert np.abs(shares).max() < 0.01


def test_the_seed_chooses_the_validation_rows():
    chosen = [validation_positions(network(seed=s)["classifier"], CHURN[2]) for s in (1, 1, 2)]
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert set(chosen[0]) != set(chosen[2])


def test_the_weights_of_the_epoch_with_the_least_validation_loss_are_kept():
    pipeline, _ = fitted()
    _, matrix, indices = CHURN
    held = validation_positions(pipeline["classifier"], indices)
    kept = log_loss(indices[held], pipeline.predict_proba(matrix[held]))
    losses = pipeline["classifier"].epochs_["validation_loss"]
    assert kept == pytest.approx(min(losses), rel=1e-6)
    assert losses[pipeline["classifier"].epochs_["best_epoch"] - 1] == min(losses) < losses[-1]


def test_it_stops_when_the_validation_loss_has_not_fallen_for_n_iter_no_change_epochs():
    pipeline, warned = fitted(n_iter_no_change=4, tol=0.0)
    state = pipeline["classifier"].epochs_
    assert len(state["validation_loss"]) == state["best_epoch"] + 5  # as scikit-learn counts
    assert warned == []


def test_it_stops_after_max_iter_epochs_and_says_so():
    pipeline, warned = fitted(max_iter=3)
    assert len(pipeline["classifier"].epochs_["training_loss"]) == 3
    assert warned == ["fit: max_iter=3 epochs trained without convergence"]


def test_the_training_loss_is_that_of_the_rows_that_train():
    pipeline, _ = fitted(max_iter=3, tol=0.0)
    _, matrix, indices = CHURN
    held = validation_positions(pipeline["classifier"], indices)
    kept = np.setdiff1d(np.arange(len(indices)), held)
    loss = log_loss(indices[kept], pipeline.predict_proba(matrix[kept]))
    # the rows that train are target-encoded without themselves: near, but not the same
    assert pipeline["classifier"].epochs_["training_loss"][-1] == pytest.approx(loss, rel=0.05)


def test_without_early_stopping_all_rows_train_and_none_validates():
    pipeline, _ = fitted(max_iter=3, early_stopping="false")
    state = pipeline["classifier"].epochs_
    assert (len(state["training_loss"]), state["validation_loss"]) == (3, [])


def test_a_class_with_one_training_row_trains_without_validation_and_says_so():
    contract, matrix, indices = LABEL
    indices = np.where(indices == 9, 8, indices)
    indices[5] = 9
    pipeline = network((contract, matrix, indices), max_iter=3)
    warned = fit(pipeline, matrix, indices)
    assert warned[0].startswith("fit: a class has too few rows to split off 0.1 of them for valid")
    assert pipeline["classifier"].epochs_["validation_loss"] == []
    assert pipeline.predict_proba(matrix).shape == (len(matrix), 10)


@pytest.mark.parametrize(
    "hyperparameters",
    [{}, {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1}],
)
@pytest.mark.parametrize("at", [1, 12])
def test_a_pickle_of_any_epoch_goes_on_to_the_same_bits(hyperparameters, at):
    pickles = []
    whole, _ = fitted(
        LABEL, lambda pipeline: pickles.append(pickle.dumps(pipeline)), max_iter=25,
        **hyperparameters,
    )  # fmt: skip
    resumed = pickle.loads(pickles[at - 1])
    assert len(resumed["classifier"].epochs_["training_loss"]) == at
    fit(resumed, *LABEL[1:])
    assert bits(resumed) == bits(whole)


def test_a_checkpoint_does_not_go_on_with_other_rows():
    pickles = []
    fitted(CHURN, lambda pipeline: pickles.append(pickle.dumps(pipeline)), max_iter=1)
    _, matrix, indices = CHURN
    with pytest.raises(StepError, match="expected a checkpoint of the same preprocessed rows"):
        fit(pickle.loads(pickles[0]), matrix[::-1], indices[::-1])


def test_any_import_path_of_the_network_goes_through_the_loop():
    pipeline, _ = fitted(classifier="sklearn.neural_network.MLPClassifier", max_iter=2)
    assert len(pipeline["classifier"].epochs_["training_loss"]) == 2


def test_a_network_whose_solver_has_no_epochs_is_fitted_as_scikit_learn_does():
    pipeline, _ = fitted(solver="lbfgs", max_iter=20)
    assert not has_epochs(pipeline["classifier"])
    assert not hasattr(pipeline["classifier"], "epochs_")
