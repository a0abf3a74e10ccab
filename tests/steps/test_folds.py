import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from steps.errors import StepError
from steps.fitting import build_pipeline
from steps.folds import Candidate, lone_scorer, scorer, training_folds
from steps.rows import split_rows
from tests.tables import customers

PARAMS = {"target": "churn", "drop": "", "kinds": "", "test_size": 0.2, "seed": 42}
LOGISTIC = Candidate("logistic_regression", {"C": "0.5"}, 42, "log_loss")


def test_the_scores_are_those_of_scikit_learn_which_fits_the_whole_pipeline_in_each_fold():
    folds = training_folds(customers(), PARAMS)
    pipeline = build_pipeline(folds.contract, "logistic_regression", 42, {"C": "0.5"})
    expected = -cross_val_score(
        pipeline, folds.matrix, folds.indices, cv=folds.parts, scoring="neg_log_loss"
    )
    assert list(lone_scorer(folds)(LOGISTIC)) == pytest.approx(expected, rel=1e-12)


def test_held_out_rows_change_no_score():
    frame = customers()
    held_out = split_rows(frame, PARAMS).features[1].index
    scores = [list(lone_scorer(training_folds(frame, PARAMS))(LOGISTIC))]
    frame.loc[held_out, "age"] = 1e6
    frame.loc[held_out, "city"] = "Elsewhere"
    scores.append(list(lone_scorer(training_folds(frame, PARAMS))(LOGISTIC)))
    assert scores[0] == scores[1]


def test_each_training_row_is_scored_once_and_no_class_share_is_lost():
    folds = training_folds(customers(), PARAMS)
    scored = np.concatenate([rows for _, rows in folds.parts])
    assert sorted(scored) == list(range(480))
    assert {int(folds.indices[rows].sum()) for _, rows in folds.parts} == {28, 29}


def test_folds_scored_at_once_have_the_bits_of_folds_scored_in_turn(monkeypatch):
    monkeypatch.setattr("steps.folds.SLOW", 0)
    monkeypatch.setattr("steps.folds.cpu_count", lambda: 2)
    folds = training_folds(customers(), PARAMS)
    candidate = Candidate("random_forest", {}, 42, "log_loss")
    with scorer(folds) as at_once:
        assert list(at_once(candidate)) == list(lone_scorer(folds)(candidate))
        assert at_once._at_once == 2


def test_a_rare_class_has_as_many_folds_as_rows():
    frame = customers(200)
    frame.loc[frame.index[:4], "churn"] = 2
    assert len(training_folds(frame, PARAMS).parts) == 3


def test_a_class_with_one_training_row_is_refused():
    frame = customers(200)
    frame.loc[frame.index[:2], "churn"] = 2
    params = PARAMS | {"test_size": 0.5}
    with pytest.raises(StepError, match=r"^tune: expected two training rows or more of each"):
        training_folds(frame, params)
