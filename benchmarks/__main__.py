"""Measure the template against its peers, in turns: ``python -m benchmarks [SECTION ...]``."""

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.figures import Figure, as_text
from benchmarks.publish import machine, publish, targets
from benchmarks.timing import Setting

SECTIONS = ("serve", "batch", "predict", "cold", "environment", "main", "fit", "record")
RESULTS = Path(__file__).parent / "results"
CPUS = 2


def measure(sections: list[str], setting: Setting) -> dict[str, list[Figure]]:
    """Measure sections one after the other, and print each table when it is there."""
    found = {}
    for name in sections:
        print(f"{name} ...", file=sys.stderr)
        start = time.perf_counter()
        found[name] = importlib.import_module(f"benchmarks.{name}").measure(setting)
        seconds = time.perf_counter() - start
        print(f"\n{name} ({seconds:.0f} s)\n{as_text(found[name])}\n")
    return found


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    # not by choices: argparse would hold the empty list against them
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, help="5 by default, 2 with --quick")
    parser.add_argument("--quick", action="store_true", help="smaller tables, shorter bursts")
    parser.add_argument("--publish", action="store_true", help="write docs/performance.md too")
    given = parser.parse_args()
    unknown = sorted(set(given.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"expected sections of {', '.join(SECTIONS)}, got {', '.join(unknown)}")
    if given.publish and given.quick:
        parser.error("--publish needs the whole measurement, without --quick")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CPUS])  # and all children
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as our own steps: the peers are to gain too
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ["MLFLOW_LOGGING_LEVEL"] = "ERROR"
    warnings.simplefilter("ignore")  # of peers that are logged without an example
    sections = given.sections or [name for name in SECTIONS if name != "record"]
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(Path(folder), given.rounds or (2 if given.quick else 5), given.quick)
        found = measure(sections, setting)
    if judged := targets(found):
        print(f"targets\n{as_text(judged)}\n")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{'quick-' if given.quick else ''}{'-'.join(given.sections) or 'all'}.json"
    path.write_text(json.dumps({"machine": machine(), "sections": found}, indent=1) + "\n")
    print(f"written to {path}")
    if given.publish:
        publish(found)


if __name__ == "__main__":
    main()
