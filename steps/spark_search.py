"""The search on Spark: MLflow's own Optuna study, whose trials run on the executors."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from mlflow import MlflowClient
from mlflow.entities import Param, Run, RunTag

from steps.folds import Folds, lone_scorer
from steps.search import Search, TrialFailedError, pruner, quiet, score_trial, study_of
from steps.spark_session import spark_session
from steps.stale import own_process
from steps.trials import PARENT, STATE, STUDY, running_means, write

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial
    from pyspark.sql import SparkSession


def search_on_spark(
    search: Search, folds: Folds, trials: int, timeout: float, active: Run
) -> tuple["Study", int]:
    """Run the trials that are left on Spark's executors.

    Parameters
    ----------
    search : Search
    folds : Folds
    trials : int
        Of the whole study.
    timeout : float
        Seconds after which no further trial starts; 0 for none.
    active : Run
        The tune run. The study is a run below it, and the trials are below that.

    Returns
    -------
    study : Study
        In memory.
    resumed : int
        How many trials an earlier run had ended.
    """
    search = search._replace(key=f"spark {search.key}")  # numbered otherwise than local trials
    quiet()
    done = _ended(search, active)
    if len(done) < trials:
        with spark_session("tune", ("steps", "custom_model")) as spark:
            _optimize(search, folds, trials - len(done), timeout, active, spark)
    return study_of(_ended(search, active), search), len(done)


def _ended(search: Search, active: Run) -> list[Run]:
    found = MlflowClient().search_runs(
        [active.info.experiment_id],
        f"tags.{STUDY} = '{search.key}'",
        max_results=50_000,
        order_by=["attributes.start_time ASC"],
    )
    return [run for run in found if STATE in run.data.tags]


def _optimize(
    search: Search, folds: Folds, trials: int, timeout: float, active: Run, spark: "SparkSession"
) -> None:
    from mlflow.optuna.storage import MlflowStorage
    from mlflow.pyspark.optuna.study import MlflowSparkStudy
    from optuna.samplers import TPESampler

    study = MlflowSparkStudy(
        search.key[:22],
        MlflowStorage(experiment_id=active.info.experiment_id),
        sampler=TPESampler(seed=search.seed),
        pruner=pruner(),
        direction=search.direction(),
    )
    own = own_process()  # by which the next start knows that this one was killed
    tags = {"step": "study", PARENT: active.info.run_id, **own}
    client = MlflowClient()
    study_id = str(study._study_id)
    client.log_batch(study_id, tags=[RunTag(*pair) for pair in tags.items()])
    client.update_run(study_id, status="RUNNING")
    _close_unfinished(client, active, study_id)
    run_trials = partial(
        study.optimize,
        partial(run_there, search=search, folds=folds, tags={"step": "trial", **own}),
        n_trials=trials,
        timeout=timeout or None,
        n_jobs=min(trials, spark.sparkContext.defaultParallelism),
        catch=(Exception,),
    )
    # a signal in the midst of a talk with Java would garble it: another thread does the talking
    try:
        with ThreadPoolExecutor(1) as thread:
            talk = thread.submit(run_trials)
            try:
                talk.result()
            except BaseException:
                spark.stop()  # and with it the trials, and then the talk
                raise
    except BaseException:
        _close_unfinished(client, active, study_id)
        client.set_terminated(study_id, "KILLED")
        raise


def _close_unfinished(client: MlflowClient, active: Run, study_id: str) -> None:
    """Close the trials that never ended; to Optuna a killed run would be a pruned trial."""
    filters = [
        f"tags.{PARENT} = '{study_id}'",
        # one that was killed so early that it does not know its study yet
        "attributes.status = 'RUNNING' and tags.param_directions LIKE '{%'",
    ]
    for text in filters:
        for run in client.search_runs([active.info.experiment_id], text, max_results=50_000):
            ended = STATE in run.data.tags or run.info.status == "FAILED"
            if not ended and run.data.tags.get(PARENT, study_id) == study_id:
                client.set_tag(run.info.run_id, "failure_reason", "its search was stopped")
                client.set_terminated(run.info.run_id, "FAILED")


def run_there(trial: "Trial", search: Search, folds: Folds, tags: dict[str, str]) -> float:
    """Run one trial, on an executor: score it and write to the run that Optuna's storage made."""
    from optuna import TrialPruned

    client, run_id = MlflowClient(), str(trial._trial_id)
    named = tags | {"mlflow.runName": f"trial {trial.number}"}
    held = [Param(*pair) for pair in search.fixed.items()]
    client.log_batch(run_id, params=held, tags=[RunTag(*pair) for pair in named.items()])
    found = {name: _suggest(trial, name, values) for name, values in search.space.items()}
    outcome = score_trial(trial, search.candidate(found), lone_scorer(folds))
    write(run_id, search.key, trial.number, search.metric, outcome)
    if outcome.state == "FAIL":
        client.set_tag(run_id, "failure_reason", outcome.reason)
        raise TrialFailedError(outcome.reason)
    if outcome.state == "PRUNED":
        raise TrialPruned
    return running_means(outcome.scores)[-1]


def _suggest(trial: "Trial", name: str, values: Any) -> Any:
    if hasattr(values, "choices"):
        return trial.suggest_categorical(name, values.choices)
    kind = trial.suggest_int if isinstance(values.low, int) else trial.suggest_float
    return kind(name, values.low, values.high, log=values.log)
