"""A large table, parquet to parquet: ours beside pandas and scikit-learn, each in a process."""

import json
import time
from collections.abc import Callable

from benchmarks.figures import Figure, ratio
from benchmarks.timing import Setting, in_turns, python, told

PEER = "scikit-learn's pipeline"


def measure(setting: Setting) -> list[Figure]:
    """Score the table by either side in turns; both may use every core."""
    fixtures, folder, n_rows = setting.fixtures, setting.folder, setting.many_rows
    table = fixtures.table(n_rows)

    def scorer(module: str, model: object) -> Callable[[], dict[str, float]]:
        arguments = python(f"benchmarks.peers.{module}", model, table, folder / "out.parquet")

        def scored() -> dict[str, float]:
            start = time.perf_counter()
            figures = json.loads(told(arguments, folder))
            return figures | {"wall": time.perf_counter() - start}

        return scored

    found = in_turns(
        {
            "ours": scorer("batch_ours", fixtures.artifact),
            PEER: scorer("batch_scikit_learn", fixtures.pickle),
        },
        setting.few_rounds,
        warm=not setting.quick,
    )
    for side in found.values():
        for one in side:
            one["rate"] = n_rows / one["seconds"]
    what = f"{n_rows:,} rows, parquet to parquet"

    def compared(ending: str, unit: str, name: str, target: str = "") -> Figure:
        ours, theirs = ([one[name] for one in side] for side in (found["ours"], found[PEER]))
        return ratio(what + ending, unit, ours, PEER, theirs, target)

    return [
        compared("", "rows/s", "rate", ">= 2.5"),
        compared(", peak memory", "MiB", "mebibytes", "<= 1"),
        compared(", whole process", "s", "wall"),
    ]
