"""``main`` on the shipped data, beside a plain script with the same fit, log and register."""

import sys
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.timing import ROOT, Setting, command, in_turns, python

DATA = ROOT / "data" / "penguins.csv"
BARE = Path(__file__).parent / "bare"


def measure(setting: Setting) -> list[Figure]:
    """Run both as projects and as plain commands, each with a tracking store of its own."""
    mlflow, local = str(Path(sys.executable).with_name("mlflow")), ["--env-manager", "local"]
    rows = [f"data={DATA}", "target=species"]
    given = [part for row in rows for part in ("-P", row)]
    project = [mlflow, "run", str(ROOT), *local, *given, "-P", "fresh=true"]
    commands = {
        "ours": project,
        "bare": [mlflow, "run", str(BARE), *local, *given],
        "ours, plain": python("steps.main", *(f"--{row}" for row in rows), "--fresh=true"),
        "bare, plain": [sys.executable, str(BARE / "bare.py"), str(DATA), "species"],
        "pinned": [sys.executable, str(BARE / "bare.py"), str(DATA), "species", "pinned"],
    }
    measures = {}
    for name, arguments in commands.items():
        folder = setting.folder / "main" / name.replace(", ", "-")
        folder.mkdir(parents=True)
        settings = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "MLFLOW_ENV_ROOT": str(setting.folder / "main" / "environments"),
            "PYTHONPATH": str(ROOT),
        }
        measures[name] = command(arguments, folder, **settings)
    found = in_turns(measures, setting.rounds)
    plain, what = found["ours, plain"], "python -m steps.main"
    pinned = "bare.py that is told its requirements"
    return [
        ratio("mlflow run", "s", found["ours"], "mlflow run of bare.py", found["bare"], "<= 1.5"),
        ratio(what, "s", plain, "bare.py", found["bare, plain"]),
        ratio(what, "s", plain, pinned, found["pinned"]),
    ]
