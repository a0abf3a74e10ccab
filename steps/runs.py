"""MLflow runs: opening a step's run, ending it honestly, finding earlier ones."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.environment_variables import (
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR,
    MLFLOW_RUN_ID,
)

from steps import provenance
from steps.cache import original
from steps.errors import TRACEBACK_VARIABLE, StepError, Stopped, reason_of
from steps.outage import closing, is_lost, without_password
from steps.parameters import canonical, split_arguments
from steps.preflight import check_tracking
from steps.registry import remove_logged_models
from steps.signals import stoppable
from steps.stale import close_stale_runs, own_process
from steps.system_metrics import Sampler, sampled

Step = Callable[[dict[str, str], dict[str, str]], Any]


def launch(entry_point: str, step: Step, argv: list[str] | None = None) -> int:
    """Run a step from the command line.

    Parameters
    ----------
    entry_point : str
    step : callable
        Takes the declared and the further parameters, as texts.
    argv : list of str, optional
        The process's own by default.

    Returns
    -------
    int
        Exit status: 0 when the step did what was asked, else 1 (128 and the signal's number for
        a stopped one) and one line on stderr.
    """
    declared, further, show_stack = split_arguments(
        entry_point, sys.argv[1:] if argv is None else argv
    )
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    for quiet in ("urllib3", "psycopg"):  # what fails for good is told once, at the end
        logging.getLogger(quiet).setLevel(logging.ERROR)
    os.environ.setdefault(MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.name, "false")  # ours are enough
    with stoppable():
        try:
            step(declared, further)
        except (Exception, Stopped) as error:
            if show_stack or os.environ.get(TRACEBACK_VARIABLE):
                traceback.print_exc()
            print(f"error: {reason_of(error)}", file=sys.stderr)
            return getattr(error, "exit_status", 1)
    return 0


@contextmanager
def step_run(step: str, params: dict[str, Any]) -> Iterator[Run]:
    """Open the run of a step: nested in the active run, or the one that ``mlflow run`` made.

    The outermost one first asks whether the tracking store answers, and closes the runs that
    killed processes left. A failure leaves the run FAILED, a signal KILLED, with the reason as
    the tag ``failure_reason``.
    """
    name = None if MLFLOW_RUN_ID.defined else step  # keep the name given to mlflow run
    nested = mlflow.active_run() is not None
    if not nested:
        check_tracking()
    tags = {"step": step} | own_process() | provenance.tags()
    with mlflow.start_run(run_name=name, nested=nested, tags=tags) as run, sampled() as samples:
        try:
            if not nested:
                close_stale_runs(run)
                provenance.log_sources(step)
            new = {k: v for k, v in params.items() if k not in run.data.params}
            written = canonical(step, new)
            mlflow.log_params({name: without_password(text) for name, text in written.items()})
            yield run
            samples.log(run)
        except BaseException as error:
            _end(run, samples, error)
            raise


def _end(run: Run, samples: Sampler, error: BaseException) -> None:
    try:
        with closing(error):
            try:
                remove_logged_models(MlflowClient(), run, half_logged=True)
                samples.log(run)
            finally:
                end_with(reason_of(error), "KILLED" if isinstance(error, Stopped) else "FAILED")
    except Exception as another:  # the first error is the one to tell
        why = "" if is_lost(another) else f" ({reason_of(another)})"
        print(
            f"warning: run {run.info.run_id} stays open{why}; the next start on this machine "
            "closes it",
            file=sys.stderr,
        )


def end_with(reason: str, status: str) -> None:
    """End the active run with the reason why it did not finish."""
    try:
        mlflow.set_tag("failure_reason", reason)
    finally:  # MLflow forgets the run before it tells the server, and would else try later again
        mlflow.end_run(status)


def find_train_run(run_id: str) -> Run:
    """Find a finished train run.

    Parameters
    ----------
    run_id : str
        Of a train run, or of a main, tune, evaluate or package run that belongs to one. Empty: the
        newest finished train run of the experiment.

    Returns
    -------
    Run

    Raises
    ------
    StepError
        When there is none.
    """
    if not run_id:
        newest = _search("tags.step = 'train' and attributes.status = 'FINISHED'")
        if newest is None:
            raise StepError(
                "run_id: no finished train run in this experiment; run the entry point train first"
            )
        return newest
    run = original(_get_run(run_id))
    step = run.data.tags.get("step")
    if step in ("main", "tune"):
        nested = f"tags.mlflow.parentRunId = '{run_id}' and tags.step = 'train'"
        run = _search(nested, run.info.experiment_id) or run
    elif "train_run_id" in run.data.tags:
        run = _get_run(run.data.tags["train_run_id"])
    if run.data.tags.get("step") != "train" or run.info.status != "FINISHED":
        raise StepError(
            f"run_id: expected a finished train run, got {run_id} "
            f"(step {step}, status {run.info.status})"
        )
    return run


def find_evaluation(train_run: Run, model_name: str) -> Run:
    """Find the newest evaluation of a train run for a registered model, or else for any.

    Raises
    ------
    StepError
        When there is none.
    """
    train_run_id = train_run.info.run_id
    found = MlflowClient().search_runs(
        [_experiment_id()],
        f"tags.train_run_id = '{train_run_id}' and tags.step = 'evaluate' "
        "and tags.verdict LIKE '%'",
        order_by=["attributes.start_time DESC"],
    )
    own = [
        run for run in found if json.loads(run.data.tags["judgement"])["model_name"] == model_name
    ]
    if not found:
        raise StepError(
            f"train run {train_run_id} is not evaluated; run the entry point evaluate with "
            f"run_id={train_run_id} first"
        )
    return (own or found)[0]


def _get_run(run_id: str) -> Run:
    try:
        return MlflowClient().get_run(run_id)
    except mlflow.MlflowException as error:
        if is_lost(error):
            raise
        raise StepError(
            f"run_id: no run {run_id!r} at {without_password(mlflow.get_tracking_uri())}"
        ) from error


def _experiment_id() -> str:
    active = mlflow.active_run()
    if active is None:
        raise RuntimeError("no active run")
    return active.info.experiment_id


def _search(filter_string: str, experiment_id: str = "") -> Run | None:
    runs = MlflowClient().search_runs(
        [experiment_id or _experiment_id()], filter_string, max_results=1,
        order_by=["attributes.start_time DESC"],
    )  # fmt: skip
    return original(runs[0]) if runs else None
