"""What scoring costs, by rows: ``uv run --extra spark python -m benchmarks.scale``.

Whole commands, parquet to parquet, in turns: this machine alone, Spark on it, and scikit-learn's
own pipeline. Seconds and the peak memory of all their processes together.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.publish import machine
from benchmarks.tables import customers

ROOT = Path(__file__).resolve().parent.parent
GROUP_ROWS = 1_000_000
TRAINING_ROWS = 200_000
MIB = 2**20
RESULTS = Path(__file__).parent / "results"


def write_table(path: Path, n_rows: int) -> None:
    """Write customers, a row group at a time."""
    schema = pa.Schema.from_pandas(customers(100).drop(columns="label"), preserve_index=False)
    with pq.ParquetWriter(path, schema) as writer:
        for seed, start in enumerate(range(0, n_rows, GROUP_ROWS)):
            frame = customers(min(GROUP_ROWS, n_rows - start), seed).drop(columns="label")
            writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))


def watched(command: list[str], cwd: Path, settings: Mapping[str, str]) -> tuple[float, float]:
    """Run a command; returns its seconds, and the peak MiB of all its processes together."""
    start = time.perf_counter()
    process = psutil.Popen(command, cwd=cwd, env=settings, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident(process))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"exit status {process.returncode}: {' '.join(command)}")
    return time.perf_counter() - start, peak / MIB


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            total += each.memory_info().rss
    except psutil.NoSuchProcess:  # it ended just now
        pass
    return total


def commands(folder: Path, table: Path, engines: list[str]) -> dict[str, list[str]]:
    """Build the command of each engine."""
    python = [sys.executable, "-m"]
    known = {
        engine: [
            *python, "steps.score", "--model_uri=models:/scale@champion", f"--engine={engine}",
            f"--input={table}", f"--output={folder / engine}.parquet",
        ]
        for engine in ("local", "spark")
    }  # fmt: skip
    peer = [str(folder / "peer.pkl"), str(table), str(folder / "peer.parquet")]
    known["scikit-learn"] = [*python, "benchmarks.sklearn_score", "score", *peer]
    return {engine: known[engine] for engine in engines}


def train(folder: Path, settings: Mapping[str, str]) -> None:
    """Make the model, and scikit-learn's own."""
    table = folder / "training.parquet"
    customers(TRAINING_ROWS, seed=10_000).to_parquet(table)
    for command in (
        ["steps.main", f"--data={table}", "--target=label", "--model_name=scale", "--gates=",
         "--verify_env=local"],
        ["benchmarks.sklearn_score", "fit", str(table), str(folder / "peer.pkl")],
    ):  # fmt: skip
        watched([sys.executable, "-m", *command], ROOT, settings)


def measure(sizes: list[int], rounds: int, engines: list[str], most: dict[str, int]) -> dict:
    """Score tables of several sizes.

    Parameters
    ----------
    sizes : list of int
    rounds : int
    engines : list of str
    most : dict of str to int
        Rows beyond which an engine is left out.

    Returns
    -------
    dict of str to dict
    """
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        train(folder, settings)
        for size in sizes:
            table = folder / "table.parquet"
            write_table(table, size)
            chosen = [engine for engine in engines if size <= most.get(engine, size)]
            found: dict[str, list[tuple[float, float]]] = {engine: [] for engine in chosen}
            for number in range(rounds):
                for engine, command in commands(folder, table, chosen).items():
                    found[engine].append(watched(command, ROOT, settings))
                print(f"{size} rows, round {number + 1} of {rounds}", file=sys.stderr)
            rows[f"{size} rows"] = {
                engine: {
                    what: [min(values), statistics.median(values), max(values)]
                    for what, values in zip(
                        ("seconds", "MiB"), zip(*runs, strict=True), strict=True
                    )
                }
                for engine, runs in found.items()
            }
    return rows


def show(rows: dict) -> None:
    """Print the medians, and the range of the seconds."""
    for size, engines in rows.items():
        for engine, figures in engines.items():
            low, median, high = figures["seconds"]
            seconds = f"{median:6.1f} s ({low:.1f} to {high:.1f})"
            print(f"{size:<14} {engine:<13} {seconds} {figures['MiB'][1]:6.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="10000,100000,1000000,10000000")
    parser.add_argument("--engines", default="local,scikit-learn,spark")
    parser.add_argument("--spark_rows", type=int, default=10_000_000, help="at most, for Spark")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    most = {"spark": given.spark_rows}
    measured = measure(sizes, given.rounds, given.engines.split(","), most)
    show(measured)
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), "rows": measured}, indent=1)
    (RESULTS / "scale.json").write_text(text + "\n")
