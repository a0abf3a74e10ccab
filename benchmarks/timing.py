"""Whole commands, timed in turns, and what came of it as a table and as JSON."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def in_turns(
    commands: Mapping[str, list[str]], rounds: int, cwd: Path, **settings: str
) -> dict[str, list[float]]:
    """Time each command once a round, after one round that does not count.

    Parameters
    ----------
    commands : mapping of str to list of str
    rounds : int
    cwd : Path
    **settings : str
        Environment variables.

    Returns
    -------
    dict of str to list of float
        Seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(
                command, cwd=cwd, env=os.environ | settings, check=True, stdout=subprocess.DEVNULL
            )
            if number:
                seconds[name].append(time.perf_counter() - start)
        print(f"round {number} of {rounds}", file=sys.stderr)
    return seconds


def compared(seconds: Mapping[str, list[float]], one: str, other: str) -> dict[str, Any]:
    """Compare two commands round by round: median seconds, difference and ratio with spread."""
    pairs = list(zip(seconds[one], seconds[other], strict=True))
    differences, ratios = [a - b for a, b in pairs], [a / b for a, b in pairs]
    return {
        one: statistics.median(seconds[one]),
        other: statistics.median(seconds[other]),
        "difference": statistics.median(differences),
        "difference_range": [min(differences), max(differences)],
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "rounds": len(pairs),
    }


def publish(name: str, rows: Mapping[str, dict[str, Any]]) -> None:
    """Print a table, and write it with the machine that it comes from to ``results/``."""
    machine = {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    for title, row in rows.items():
        print(title)
        for key, value in row.items():
            shown = value if isinstance(value, list) else [value]
            print(f"  {key:<18}", "  ".join(f"{one:.2f}" for one in shown))
