import pytest
from mlflow.utils.autologging_utils import autologging_is_disabled

from custom_model.classifiers import build_classifier
from steps.autolog import autologged


def test_xgboost_logs_the_importances_that_its_flavor_knows(step, client):
    run = step("train", classifier="xgboost.XGBClassifier", n_estimators=3).runs("train")[0]
    logged = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"feature_importance_weight.json", "feature_importance_weight.png"} <= logged
    assert run.data.params["num_boost_round"] == "3"


def test_what_both_log_does_not_conflict_and_no_model_or_data_is_logged_twice(step, client):
    outcome = step("train", classifier="xgboost.XGBClassifier", n_estimators=3, max_depth=2)
    (run,) = outcome.runs("train")
    assert (outcome.status, outcome.err) == (0, "")
    assert run.data.params["max_depth"] == "2"
    models = client.search_logged_models([outcome.experiment_id])
    assert [model.name for model in models] == ["pipeline"]
    assert len(client.get_run(run.info.run_id).inputs.dataset_inputs) == 2


def test_the_flavor_is_off_again_also_after_a_failure():
    seen = []

    def fail():
        with autologged(build_classifier("xgboost.XGBClassifier")):
            seen.append(autologging_is_disabled("xgboost"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (seen, autologging_is_disabled("xgboost")) == ([False], True)


def test_scikit_learns_own_classifiers_are_left_alone():
    with autologged(build_classifier("hist_gradient_boosting")):
        assert autologging_is_disabled("sklearn")
