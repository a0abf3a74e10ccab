"""What a run costs: CPU and memory, sampled while it works and logged at its end."""

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from mlflow import MlflowClient
from mlflow.entities import Metric, Run

INTERVAL = 1.0  # seconds, doubled whenever the samples are many
MAX_SAMPLES = 240
BATCH = 1000  # metrics that MLflow takes at once


def is_cost(metric: str) -> bool:
    """Tell whether a metric says what a run cost, not what came of it."""
    return metric.startswith("system/") or metric in ("cpu_seconds", "peak_memory_megabytes")


class Sampler:
    """Samples the machine in a thread that never talks to the tracking store.

    MLflow's own monitor does: with a store that is lost, it would hold the end of the run.
    """

    def __init__(self) -> None:
        self._samples: list[tuple[int, dict[str, float]]] = []
        self.interval = INTERVAL
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        psutil.cpu_percent()  # the first answer is of no time at all
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(self.interval):
            self._sample()
            if len(self._samples) >= MAX_SAMPLES:
                self._samples = self._samples[::2]
                self.interval *= 2

    def _sample(self) -> None:
        memory = psutil.virtual_memory()
        figures = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / 1e6,
            "system_memory_usage_percentage": memory.percent,
            "process_memory_usage_megabytes": psutil.Process().memory_info().rss / 1e6,
        }
        self._samples.append((int(time.time() * 1000), figures))

    def stop(self) -> None:
        """End the sampling, with one last sample."""
        if not self._done.is_set():
            self._done.set()
            self._thread.join()
            self._sample()

    def log(self, run: Run) -> None:
        """Log the samples to a run, by the names under which MLflow's UI shows them."""
        self.stop()
        metrics = [
            Metric(f"system/{name}", value, moment, step)
            for step, (moment, figures) in enumerate(self._samples)
            for name, value in figures.items()
        ]
        used = {
            "cpu_seconds": time.process_time(),
            # kibibytes on Linux
            "peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        }
        metrics += [Metric(name, value, int(time.time() * 1000), 0) for name, value in used.items()]
        for start in range(0, len(metrics), BATCH):
            MlflowClient().log_batch(run.info.run_id, metrics=metrics[start : start + BATCH])


@contextmanager
def sampled() -> Iterator[Sampler]:
    """Sample CPU and memory until the block ends."""
    sampler = Sampler()
    try:
        yield sampler
    finally:
        sampler.stop()
