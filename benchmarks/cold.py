"""Cold starts: ``load_model`` after the imports, and the first answer of a server."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import servers
from benchmarks.figures import Figure, absolute, ratio, skipped
from benchmarks.servers import commands, first_answer, running
from benchmarks.timing import Setting, in_turns, told

LOAD = """
import sys, time
import mlflow.pyfunc, numpy, onnxruntime, pandas, sklearn.ensemble
start = time.perf_counter()
mlflow.pyfunc.load_model(sys.argv[1], suppress_warnings=sys.argv[2] == "unchecked")
print(1000 * (time.perf_counter() - start))
"""
STARTED = (servers.OURS, servers.FASTAPI, servers.FLOOR)


def measure(setting: Setting) -> list[Figure]:
    """Load models and start servers, in fresh processes."""
    return _loading(setting) + _starting(setting)


def _loading(setting: Setting) -> list[Figure]:
    fixtures = setting.fixtures
    folders = {"ours": fixtures.artifact, "constant PythonModel": fixtures.constant}

    def loader(path: Path, how: str) -> Callable[[], float]:
        return lambda: float(told([sys.executable, "-c", LOAD, str(path), how], setting.folder))

    measures = {
        (name, how): loader(path, how)
        for name, path in folders.items()
        for how in ("checked", "unchecked")
    }
    found = in_turns(measures, setting.few_rounds, warm=False)
    figures = []
    # MLflow compares every package that is installed with the artifact's requirements, once
    for how, what in (("checked", ""), ("unchecked", ", suppress_warnings=True")):
        what = f"load_model after the imports{what}"
        ours, theirs = (found[name, how] for name in folders)
        figures.append(absolute(what, "ms", ours, "< 20"))
        figures.append(ratio(what, "ms", ours, "constant PythonModel", theirs))
    return figures


def _starting(setting: Setting) -> list[Figure]:
    starts, what = commands(setting.fixtures, setting.folder), "first answer, from process start"

    def first(name: str) -> Callable[[], float]:
        def seconds() -> float:
            start = time.perf_counter()
            with running(name, starts[name], setting.folder) as server:
                first_answer(server, setting.fixtures.request)
                return time.perf_counter() - start

        return seconds

    try:
        found = in_turns(
            {name: first(name) for name in STARTED}, setting.few_rounds, warm=not setting.quick
        )
    except SystemExit as error:
        return [skipped(what, str(error), "<= 1.5")]
    ours = found[servers.OURS]
    return [
        ratio(what, "s", ours, servers.FASTAPI, found[servers.FASTAPI], "<= 1.5"),
        ratio(what, "s", ours, servers.FLOOR, found[servers.FLOOR]),
    ]
