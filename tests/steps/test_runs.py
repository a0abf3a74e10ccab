import os
import signal

import mlflow
import pytest

from steps import runs
from steps.errors import StepError


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


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_the_run_killed_and_is_told_in_one_line(client, monkeypatch, capsys, name):
    experiment_id = client.create_experiment(f"stopped by {name}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment_id)
    number = getattr(signal, name)

    def stopped(declared, further):
        with runs.step_run("train", {}):
            os.kill(os.getpid(), number)

    assert runs.launch("train", stopped, []) == 128 + number
    (run,) = client.search_runs([experiment_id])
    assert run.info.status == "KILLED"
    assert run.data.tags["failure_reason"] == f"stopped by {name}"
    assert capsys.readouterr().err == f"error: stopped by {name}\n"


def test_the_handlers_of_the_caller_are_back_after_a_step():
    before = signal.getsignal(signal.SIGTERM)
    runs.launch("train", lambda declared, further: None, [])
    assert signal.getsignal(signal.SIGTERM) is before
