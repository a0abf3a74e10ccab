"""How long each stage of a step takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow

from steps import console


class Clock:
    """Times the stages of a step, each shown on a terminal while it lasts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, doing: str) -> Iterator[None]:
        """Time a stage.

        Parameters
        ----------
        name : str
            Of the metric, before ``_seconds``.
        doing : str
            For the person who waits.
        """
        start = time.perf_counter()
        with console.progress(doing):
            yield
        self.seconds[name] = time.perf_counter() - start

    def log(self) -> None:
        """Log the seconds to the active run, as ``<stage>_seconds``."""
        mlflow.log_metrics({f"{name}_seconds": value for name, value in self.seconds.items()})
