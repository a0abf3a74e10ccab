"""The environment that an artifact is served in: its size, and how fast uv makes it."""

import importlib.metadata
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.environments import make
from benchmarks.figures import Figure, absolute, ratio
from benchmarks.timing import Setting, in_turns

FULL = "mlflow and scikit-learn"


def measure(setting: Setting) -> list[Figure]:
    """Make both environments anew in turns, after a round that warms uv's cache."""
    full = [f"{name}=={importlib.metadata.version(name)}" for name in ("mlflow", "scikit-learn")]
    pins = ["-r", str(setting.fixtures.artifact / "requirements.txt")]

    def maker(name: str, arguments: list[str]) -> Callable[[], tuple[float, float]]:
        def made() -> tuple[float, float]:
            folder, start = setting.folder / name, time.perf_counter()
            make(folder, *arguments)
            return time.perf_counter() - start, _mebibytes(folder)

        return made

    found = in_turns({"ours": maker("ours", pins), FULL: maker("full", full)}, setting.few_rounds)
    seconds, sizes = zip(*found["ours"], strict=True)
    their_seconds, their_sizes = zip(*found[FULL], strict=True)
    return [
        ratio("serving environment, size", "MiB", sizes, FULL, their_sizes, "<= 0.45"),
        absolute("serving environment, made by uv from a warm cache", "s", seconds, "< 5"),
        ratio("the same", "s", seconds, FULL, their_seconds),
    ]


def _mebibytes(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 2**20
