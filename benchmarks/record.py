"""What the whole record adds to ``main``: with it and without, in turns."""

from benchmarks.figures import Figure, ratio
from benchmarks.timing import ROOT, Setting, command, in_turns, python

MODULES = {"with": "steps.main", "without": "benchmarks.unrecorded"}
N_ROWS = 200_000


def measure(setting: Setting) -> list[Figure]:
    """Time ``main`` on the shipped data and on a larger table."""
    n_rows = N_ROWS // 10 if setting.quick else N_ROWS
    cases = {
        "shipped data": [f"--data={ROOT / 'data' / 'penguins.csv'}"],
        f"{n_rows:,} rows": [f"--data={setting.fixtures.table(n_rows)}", "--target=label"],
    }
    return [
        _compared(setting, title, given, str(number))
        for number, (title, given) in enumerate(cases.items())
    ]


def _compared(setting: Setting, title: str, given: list[str], name: str) -> Figure:
    folder = setting.folder / "record" / name
    folder.mkdir(parents=True)
    settings = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_ENV_ROOT": str(setting.folder / "environments"),
        "PYTHONPATH": str(ROOT),
    }
    options = ["--fresh=true", "--gates="]
    measures = {
        who: command(python(module, *given, *options, f"--model_name={who}"), folder, **settings)
        for who, module in MODULES.items()
    }
    found = in_turns(measures, setting.rounds)
    what = f"main with the record, {title}"
    return ratio(what, "s", found["with"], "without", found["without"])
