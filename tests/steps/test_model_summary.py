import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from steps.model_summary import summarize

MATRIX = np.random.default_rng(0).normal(size=(60, 3))
LABELS = np.arange(60) % 3


@pytest.mark.parametrize(
    ("classifier", "expected"),
    [
        (HistGradientBoostingClassifier(max_iter=4), {"n_trees": 12, "n_iterations": 4}),
        (RandomForestClassifier(7, max_depth=2), {"n_trees": 7, "max_depth": 2}),
        (LogisticRegression(), {"n_parameters": 12}),
        (
            MLPClassifier((5,), max_iter=1),
            {"layers": "3 -> 5 -> 3", "n_parameters": 3 * 5 + 5 + 5 * 3 + 3},
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_summary_counts_what_the_classifier_is_made_of(classifier, expected):
    pipeline = Pipeline([("preprocessor", StandardScaler()), ("classifier", classifier)])
    found = summarize(pipeline.fit(MATRIX, LABELS), 123)
    expected |= {"n_classes": 3, "n_features": 3, "n_features_preprocessed": 3, "bytes": 123}
    assert found.items() >= expected.items()
