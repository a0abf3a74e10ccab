"""Runs that a killed process left RUNNING: found by the next start, and closed."""

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import psutil
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from steps.lifecycle import undo_move
from steps.registry import remove_logged_models, remove_versions

BOOT = Path("/proc/sys/kernel/random/boot_id")


def own_process() -> dict[str, str]:
    """Describe this process, for the tags of its runs."""
    return {
        "process_host": _host(),
        "process_id": str(os.getpid()),
        "process_started": _started(os.getpid()),
    }


def _host() -> str:
    # two containers may share a name, and each has a process 1
    with suppress(OSError):
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def close_stale_runs(own: Run) -> list[str]:
    """Close the runs of this machine whose process is gone, and remove what they left by half.

    Parameters
    ----------
    own : Run
        The run that looks, whose experiment is searched.

    Returns
    -------
    list of str
        Their ids. Each ends KILLED, with the tag ``failure_reason``.
    """
    client, closed = MlflowClient(), []
    running = client.search_runs(
        [own.info.experiment_id],
        f"attributes.status = 'RUNNING' and tags.process_host = '{_host()}'",
    )
    for run in running:
        if run.info.run_id != own.info.run_id and not _is_alive(run.data.tags):
            with suppress(MlflowException):  # another start closed it meanwhile
                _close(client, run)
                closed.append(run.info.run_id)
    if closed:
        print(
            f"warning: closed {len(closed)} runs that a killed process left: {', '.join(closed)}",
            file=sys.stderr,
        )
    return closed


def _close(client: MlflowClient, run: Run) -> None:
    model_name = run.data.tags.get("registering")
    if model_name:
        remove_versions(client, model_name, run.info.run_id)
        undo_move(client, model_name, run.info.run_id)
    remove_logged_models(client, run, half_logged=run.data.tags.get("step") != "package")
    reason = (
        f"process {run.data.tags['process_id']} on {run.data.tags['process_host'].split()[0]} "
        "ended without closing its run"
    )
    client.set_tag(run.info.run_id, "failure_reason", reason)
    client.set_terminated(run.info.run_id, "KILLED")


def _is_alive(tags: dict[str, str]) -> bool:
    try:
        return _started(int(tags["process_id"])) == tags["process_started"]
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError, ValueError, KeyError):
        return False
    except (psutil.AccessDenied, PermissionError):
        return True


def _started(process_id: int) -> str:
    """Tell when a process started; on Linux in ticks since boot, which no clock step changes."""
    if not BOOT.exists():
        return f"{psutil.Process(process_id).create_time():.0f}"
    ticks = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{BOOT.read_text().strip()} {ticks}"
