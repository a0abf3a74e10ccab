import mlflow
import pytest

from steps.metrics import METRICS
from tests.tables import never_predicted, ten_classes


def test_every_metric_is_logged_and_shown(step):
    step("train")
    outcome = step("evaluate")
    (run,) = outcome.runs("evaluate")
    assert set(run.data.metrics) >= set(METRICS)
    assert f"accuracy           {run.data.metrics['accuracy']:.4f}" in outcome.out


def test_the_plots_are_logged(step, client):
    step("train")
    (run,) = step("evaluate").runs("evaluate")
    assert [file.path for file in client.list_artifacts(run.info.run_id, "plots")] == [
        "plots/calibration_curve.png",
        "plots/confusion_matrix.png",
        "plots/dependence.png",
        "plots/feature_importance.png",
        "plots/precision_recall_curve.png",
        "plots/roc_curve.png",
    ]


def test_a_reached_gate_validates(step):
    step("train")
    (run,) = step("evaluate", gates="accuracy>=0.9,log_loss<=0.5").runs("evaluate")
    assert (run.data.tags["verdict"], run.data.tags["verdict_reasons"]) == ("VALIDATED", "")


def test_a_missed_gate_rejects_with_the_figure_and_a_failing_exit_status(step):
    step("train")
    outcome = step("evaluate", gates="accuracy>=0.5,log_loss<=0.0001")
    (run,) = outcome.runs("evaluate")
    assert (outcome.status, run.info.status) == (1, "FAILED")
    assert run.data.tags["verdict"] == "REJECTED"
    loss = run.data.metrics["log_loss"]
    assert outcome.err == (
        f"error: gate log_loss<=0.0001 not reached: log_loss is {loss:.4f}; nothing is registered\n"
    )


def test_a_bad_gate_is_refused_before_anything_is_scored(step):
    outcome = step("evaluate", gates="auc>0.5")
    assert outcome.err.startswith("error: gates: no metric 'auc': expected one of accuracy")


@pytest.mark.parametrize(
    ("table", "target"), [(never_predicted(), "fraud"), (ten_classes(), "label")]
)
def test_rare_and_awkward_classes_are_evaluated_without_a_warning(step, tmp_path, table, target):
    table.to_csv(tmp_path / "t.csv", index=False)
    step("train", data=tmp_path / "t.csv", target=target)
    outcome = step("evaluate", gates="", model_name="of its own")
    assert (outcome.status, outcome.err) == (0, "")


def test_without_a_train_run_it_says_what_to_run_first(step):
    outcome = step("evaluate")
    assert outcome.err == (
        "error: run_id: no finished train run in this experiment; run the entry point train first\n"
    )


def test_it_takes_the_newest_finished_train_run(step):
    step("train", seed=1)
    newest = step("train", seed=2).runs("train")[0]
    step("train", data="nowhere.csv")
    (run,) = step("evaluate").runs("evaluate")
    assert run.data.tags["train_run_id"] == newest.info.run_id


def test_it_takes_the_run_that_it_is_given(step):
    oldest = step("train", seed=1).runs("train")[0]
    step("train", seed=2)
    (run,) = step("evaluate", run_id=oldest.info.run_id).runs("evaluate")
    assert run.data.tags["train_run_id"] == oldest.info.run_id


def test_the_id_of_a_run_that_belongs_to_a_train_run_will_do(step):
    trained = step("train").runs("train")[0]
    evaluated = step("evaluate").runs("evaluate")[0]
    step("evaluate", run_id=evaluated.info.run_id)
    assert mlflow.last_active_run().data.tags["train_run_id"] == trained.info.run_id


def test_a_run_id_that_does_not_exist_is_refused(step):
    assert step("evaluate", run_id="nothing").err.startswith("error: run_id: no run 'nothing' at")


def test_a_failed_train_run_is_refused(step):
    failed = step("train", data="nowhere.csv").runs("train")[0]
    outcome = step("evaluate", run_id=failed.info.run_id)
    assert "expected a finished train run" in outcome.err
    assert "status FAILED" in outcome.err


def test_an_unknown_parameter_is_refused(step):
    outcome = step("evaluate", gate="accuracy>1")
    assert outcome.err == (
        "error: no parameter 'gate': expected one of run_id, gates, metric, max_regression, "
        "champion_error, model_name, alias\n"
    )
