"""Measurements taken in turns, and what every section is given."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from benchmarks.fixtures import Fixtures

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


class Setting:
    """How to measure, and with what.

    Parameters
    ----------
    folder : Path
        For files that are gone afterwards.
    rounds : int
    quick : bool
        Whether to take smaller tables and shorter bursts.
    """

    def __init__(self, folder: Path, rounds: int, quick: bool) -> None:
        self.folder, self.rounds, self.quick = folder, rounds, quick

    @cached_property
    def fixtures(self) -> Fixtures:
        """Models and tables, made when they are first asked for."""
        return Fixtures(self.folder)

    @property
    def many_rows(self) -> int:
        """Count the rows of the large table."""
        return 100_000 if self.quick else 1_000_000

    @property
    def few_rounds(self) -> int:
        """Count the rounds of what takes many seconds."""
        return 1 if self.quick else self.rounds


def in_turns(
    measures: Mapping[str, Callable[[], T]], rounds: int, warm: bool = True
) -> dict[str, list[T]]:
    """Take each measure once a round.

    Parameters
    ----------
    measures : mapping of str to callable
    rounds : int
    warm : bool
        Whether to take a round before, which does not count.

    Returns
    -------
    dict of str to list
        One result a round.
    """
    results: dict[str, list[T]] = {name: [] for name in measures}
    for number in range(0 if warm else 1, rounds + 1):
        print(f"  round {number} of {rounds}", file=sys.stderr)
        for name, measure in measures.items():
            result = measure()
            if number:
                results[name].append(result)
    return results


def command(arguments: list[str], cwd: Path, **settings: str) -> Callable[[], float]:
    """Prepare to time a whole command; what it says is shown only if it fails."""

    def seconds() -> float:
        start = time.perf_counter()
        done = subprocess.run(
            arguments, cwd=cwd, env=os.environ | settings, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
        return time.perf_counter() - start

    return seconds


def python(module: str, *arguments: object) -> list[str]:
    """Write the command that runs a module of this project."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def told(arguments: list[str], cwd: Path, **settings: str) -> str:
    """Run a command; returns the last line that it printed."""
    settings = {"PYTHONPATH": str(ROOT)} | settings
    done = subprocess.run(
        arguments, cwd=cwd, env=os.environ | settings, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
    return done.stdout.strip().splitlines()[-1]
