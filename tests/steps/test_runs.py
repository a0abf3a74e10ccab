import os
import signal

import mlflow
import pytest

from steps import runs
from steps.errors import StepError


def test_a_failure_that_nobody_foresaw_is_one_line_that_says_how_to_see_the_stack():
    assert runs.reason_of(ValueError("one\ntwo")) == (
        "unexpected ValueError: one (for the stack: --traceback, or PYFUNC_CLASSIFIER_TRACEBACK=1)"
    )


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_the_stack_is_shown_when_asked_for(capsys, monkeypatch, how):
    def broken(declared, further):
        raise StepError("no such thing")

    if how == "variable":
        monkeypatch.setenv("PYFUNC_CLASSIFIER_TRACEBACK", "1")
    assert runs.launch("train", broken, ["--traceback"] if how == "flag" else []) == 1
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert err.endswith("error: no such thing\n")


def test_a_step_that_fails_leaves_no_run_running(client, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", client.create_experiment("failing"))
    with pytest.raises(ZeroDivisionError), runs.step_run("train", {}) as run:
        raise ZeroDivisionError("oh")
    ended = client.get_run(run.info.run_id)
    assert ended.info.status == "FAILED"
    assert ended.data.tags["failure_reason"].startswith("unexpected ZeroDivisionError: oh")
    assert mlflow.active_run() is None


def test_a_run_made_by_mlflow_run_is_used_and_keeps_its_name(client, monkeypatch):
    experiment_id = client.create_experiment("given")
    given = client.create_run(experiment_id, run_name="mine")
    client.log_param(given.info.run_id, "target", "'quoted by mlflow'")
    monkeypatch.setenv("MLFLOW_RUN_ID", given.info.run_id)
    with runs.step_run("train", {"target": "y", "seed": "1"}):
        pass
    ended = client.get_run(given.info.run_id)
    assert (ended.info.run_name, ended.info.status) == ("mine", "FINISHED")
    assert ended.data.params == {"target": "'quoted by mlflow'", "seed": "1"}


def test_a_terminated_step_leaves_no_run_running(client, monkeypatch):
    experiment_id = client.create_experiment("terminated")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment_id)

    def stopped(declared, further):
        with runs.step_run("train", {}):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit, match="143"):
        runs.launch("train", stopped, [])
    (run,) = client.search_runs([experiment_id])
    assert run.info.status == "FAILED"


def test_an_interrupted_step_says_so_in_one_line(capsys):
    def interrupted(declared, further):
        raise KeyboardInterrupt

    assert runs.launch("train", interrupted, []) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
