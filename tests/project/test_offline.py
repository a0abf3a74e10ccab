"""Training, evaluating, packaging and loading ask no host, and need none."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, shell
from tests.offline import namespace
from tests.project.test_mlflow_run import NESTED, runs_of

# Python runs this at its start: every process of a command writes down whom it would ask
WATCH = r"""
import os, sys

def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        asked = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        asked = args[1][0] if isinstance(args[1], tuple) else args[1]
    else:
        return
    if asked and not str(asked).startswith(("127.", "::1", "localhost", "/")):
        with open(os.environ["ASKED"], "a") as file:
            print(asked, file=file)

sys.addaudithook(watch)
"""
LOAD = (
    "import mlflow; model = mlflow.pyfunc.load_model('models:/by-module@champion'); "
    "print(model.predict(model.input_example))"
)
# where MLflow finds one of these, it does not report home by itself
TELLTALES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "PYTEST_CURRENT_TEST")


def watched(folder: Path, command: list[str], **settings: str):
    """Run a command with no network, where that can be, and write down whom it asks."""
    (folder / "sitecustomize.py").write_text(WATCH)
    (folder / "asked").touch()
    unset = [f"-u{name}" for name in TELLTALES]
    return shell(
        ["env", *unset, *namespace(), *command], ROOT,
        PYTHONPATH=str(folder), ASKED=str(folder / "asked"), **settings,
    )  # fmt: skip


@pytest.mark.parametrize("host", ["example.invalid", "192.0.2.1"])
def test_the_watch_sees_who_is_asked(tmp_path, host):
    code = f"import socket; socket.create_connection(({host!r}, 80), 0.1)"
    assert watched(tmp_path, ["python", "-c", code]).returncode == 1
    assert host in (tmp_path / "asked").read_text().splitlines()


def test_python_m_gives_the_same_run_structure_and_asks_no_host(tmp_path, tracking, client):
    experiment = client.create_experiment("python -m")
    command = "python -m steps.main --model_name=by-module --verify_env=local"
    done = watched(tmp_path, command.split(), **tracking, MLFLOW_EXPERIMENT_ID=experiment)
    assert done.returncode == 0, done.stderr
    (parent,) = client.search_runs([experiment], "tags.step = 'main'")
    assert runs_of(client, parent.info.run_id) == NESTED
    assert (tmp_path / "asked").read_text() == ""
    loaded = watched(tmp_path, ["python", "-c", LOAD], **tracking)
    assert re.search(r"Adelie|Gentoo|Chinstrap", loaded.stdout), loaded.stderr
    assert (tmp_path / "asked").read_text() == ""
