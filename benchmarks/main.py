"""``main`` on the shipped data, beside a plain script with the same fit, log and register."""

import sys
from pathlib import Path

from benchmarks.figures import Figure, ratio
from benchmarks.timing import ROOT, Setting, command, in_turns, python

DATA = ROOT / "data" / "penguins.csv"
BARE = Path(__file__).parent / "bare"


def measure(setting: Setting) -> list[Figure]:
    """Run both as projects and as plain commands, each with a tracking store of its own."""
    commands = _commands()
    if setting.quick:
        commands = {name: commands[name] for name in ("ours", "bare")}
    measures = {}
    for name, arguments in commands.items():
        folder = setting.folder / "main" / name.replace(" ", "-")
        folder.mkdir(parents=True)
        settings = {
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "MLFLOW_ENV_ROOT": str(setting.folder / "environments"),
            "PYTHONPATH": str(ROOT),
        }
        measures[name] = command(arguments, folder, **settings)
    found = in_turns(measures, setting.few_rounds, warm=not setting.quick)
    project, bare = found.pop("ours"), found.pop("bare")
    figures = [ratio("mlflow run", "s", project, "mlflow run of bare.py", bare, "<= 1.5")]
    plain = found.pop("ours, plain", [])
    for peer, seconds in found.items():
        figures.append(ratio("python -m steps.main", "s", plain, peer, seconds))
    return figures


def _commands() -> dict[str, list[str]]:
    project = [str(Path(sys.executable).with_name("mlflow")), "run", "--env-manager", "local"]
    rows = [f"data={DATA}", "target=species"]
    given = [part for row in rows for part in ("-P", row)]
    bare = [sys.executable, str(BARE / "bare.py"), str(DATA), "species"]
    return {
        "ours": [*project, str(ROOT), *given, "-P", "fresh=true"],
        "bare": [*project, str(BARE), *given],
        "ours, plain": python("steps.main", *(f"--{row}" for row in rows), "--fresh=true"),
        "bare.py": bare,
        "bare.py that is told its requirements": [*bare, "pinned"],
    }
