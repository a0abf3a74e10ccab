"""What the whole record adds to ``main``: ``uv run python -m benchmarks.record``."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.tables import customers
from benchmarks.timing import compared, in_turns, publish

ROOT = Path(__file__).resolve().parent.parent


def measure(rounds: int, n_rows: int) -> dict[str, dict]:
    """Time ``main`` with and without the record on the shipped data and on a larger table."""
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        table = Path(name, "customers.parquet")
        customers(n_rows).to_parquet(table)
        cases = {
            "shipped data": [f"--data={ROOT / 'data' / 'penguins.csv'}"],
            f"{n_rows} rows": [f"--data={table}", "--target=label"],
        }
        for title, given in cases.items():
            commands = {
                who: [
                    sys.executable, "-m", module, *given, "--fresh=true", "--gates=",
                    f"--model_name={who}",
                ]
                for who, module in (("full", "steps.main"), ("bare", "benchmarks.bare_main"))
            }  # fmt: skip
            store = f"sqlite:///{name}/{title.replace(' ', '-')}.db"
            settings = {"MLFLOW_TRACKING_URI": store, "MLFLOW_ENV_ROOT": f"{name}/env"}
            seconds = in_turns(commands, rounds, Path(name), PYTHONPATH=str(ROOT), **settings)
            rows[title] = compared(seconds, "full", "bare")
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=200_000)
    given = parser.parse_args()
    publish("record", measure(given.rounds, given.rows))
