import warnings
from inspect import signature

import numpy as np
import pytest
from sklearn import metrics

from steps.metrics import measure

REFERENCES = {
    "accuracy": lambda y, p, s, average: metrics.accuracy_score(y, p),
    "balanced_accuracy": lambda y, p, s, average: metrics.balanced_accuracy_score(y, p),
    "precision": lambda y, p, s, average: metrics.precision_score(
        y, p, average=average, zero_division=0
    ),
    "recall": lambda y, p, s, average: metrics.recall_score(y, p, average=average, zero_division=0),
    "f1": lambda y, p, s, average: metrics.f1_score(y, p, average=average, zero_division=0),
    "log_loss": lambda y, p, s, average: metrics.log_loss(y, s, labels=np.arange(s.shape[1])),
    "brier": lambda y, p, s, average: metrics.brier_score_loss(y, s, labels=np.arange(s.shape[1])),
}


OF_ANY = "labels" in signature(metrics.brier_score_loss).parameters
brier = pytest.mark.skipif(not OF_ANY, reason="before scikit-learn 1.7 it is of two classes only")
NAMES = [pytest.param(name, marks=brier if name == "brier" else ()) for name in REFERENCES]


@pytest.mark.parametrize("n_classes", [2, 3, 12])
@pytest.mark.parametrize("n_rows", [1, 5, 300])
@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_metric_equals_that_of_scikit_learn(name, n_classes, n_rows, certain):
    rng = np.random.default_rng(n_rows)
    labels = rng.integers(0, n_classes, n_rows)
    scores = rng.dirichlet(np.full(n_classes, 0.3), n_rows)
    scores = np.eye(n_classes)[scores.argmax(axis=1)] if certain else scores
    predicted = scores.argmax(axis=1)
    average = "binary" if n_classes == 2 else "macro"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = REFERENCES[name](labels, predicted, scores, average)
    assert measure(labels, predicted, scores)[name] == pytest.approx(expected, abs=1e-12)
