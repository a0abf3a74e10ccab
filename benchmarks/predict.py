"""One row in process: what stands between a model and its caller."""

import statistics
import time
from collections.abc import Callable

from benchmarks.figures import Figure, ratio
from benchmarks.timing import Setting, in_turns

SECONDS = 0.4  # of calls a round


def measure(setting: Setting) -> list[Figure]:
    """Ask models that MLflow loaded, and the graph alone, for one row."""
    import mlflow
    import numpy as np
    import onnxruntime

    fixtures = setting.fixtures
    row = fixtures.row
    folders = {
        "ours": fixtures.artifact,
        "constant PythonModel": fixtures.constant,
        "sklearn flavor": fixtures.flavor,
        "PythonModel over scikit-learn": fixtures.python_model,
    }
    models = {name: mlflow.pyfunc.load_model(str(path)) for name, path in folders.items()}
    asked: dict[str, Callable[[], object]] = {
        name: lambda model=model: model.predict(row) for name, model in models.items()
    }
    asked["scikit-learn's pipeline"] = lambda: fixtures.scikit_learn.predict_proba(row)
    graph = onnxruntime.InferenceSession(fixtures.artifact / "artifacts" / "pipeline.onnx")
    cells = {"features": np.zeros((1, row.shape[1]), dtype=np.float32)}
    asked["the graph alone"] = lambda: graph.run(None, cells)
    seconds = SECONDS / 4 if setting.quick else SECONDS
    measures = {
        name: lambda call=call: _milliseconds(call, seconds) for name, call in asked.items()
    }
    found = in_turns(measures, setting.rounds)
    ours = found.pop("ours")
    targets = {"constant PythonModel": "<= 1.3"}
    return [
        ratio("predict, one row", "ms", ours, name, theirs, targets.get(name, ""))
        for name, theirs in found.items()
    ]


def _milliseconds(call: Callable[[], object], seconds: float) -> float:
    took: list[float] = []
    while sum(took) < seconds:
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return 1000 * statistics.median(took)
