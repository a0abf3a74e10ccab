import optuna
import pytest

from steps.study_plots import draw_study


@pytest.fixture
def study():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {"depth": optuna.distributions.IntDistribution(1, 9)}

    def make(*values):
        study = optuna.create_study(direction="maximize")
        for depth, value in enumerate(values, start=1):
            study.add_trial(
                optuna.trial.create_trial(params={"depth": depth}, distributions=space, value=value)
            )
        return [name for name, _ in draw_study(study, "roc_auc", 0)]

    return make


def test_a_search_has_its_history_importances_and_slices(study):
    assert study(0.7, 0.8, 0.9) == ["history.png", "importance.png", "slice.png"]


def test_where_all_trials_score_alike_nothing_is_more_important(study):
    assert study(1.0, 1.0, 1.0) == ["history.png", "slice.png"]


def test_a_single_trial_has_its_history_only(study):
    assert study(0.9) == ["history.png"]
