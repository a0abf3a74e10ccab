"""compare: the evaluated runs of several experiments in one table and one plot, best first."""

import shutil
import sys
import warnings

import mlflow
import pandas as pd
from mlflow import MlflowClient

from steps import console
from steps.comparison import blocks, paired_gains, predictions_of, shortened, tabulate, verdict_on
from steps.gates import check_metric
from steps.judged import best_first, choose, differences, find_experiments
from steps.parameters import convert, names_in, one_of
from steps.runs import launch, step_run

RUNS = ("newest", "all")
WIDTH = 120  # characters, where there is no terminal


def log_comparison(table: pd.DataFrame, metric: str, differing: list[str]) -> None:
    """Log the table, its plot and what to know of it to the active run."""
    from steps.comparison_plot import draw_comparison

    mlflow.log_table(table, "comparison.json")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that the font lacks
        mlflow.log_figure(draw_comparison(table, metric, differing), "plots/comparison.png")
    mlflow.set_tags(
        {
            "best_run_id": table["run_id"][0],
            "like_with_like": str(not differing).lower(),
            "differences": "; ".join(differing),
        }
    )


def show(table: pd.DataFrame, metric: str, verdicts: list[str], run_id: str) -> None:
    """Print the table, best first, and how sure it is that the best is better."""
    for lines in blocks(table, shutil.get_terminal_size((WIDTH, 24)).columns):
        console.table(f"compare by {metric}, best first", lines)
    best, *others = map(shortened, table["label"])
    over = {f"over {label}": told for label, told in zip(others, verdicts, strict=True)}
    console.table(f"gain of {best}", over | {"run": run_id})


def run(declared: dict[str, str], further: dict[str, str]) -> pd.DataFrame:
    """Run the step; returns the table, a row a run, best first."""
    with step_run("compare", declared) as active:
        params = convert("compare", declared, further)
        metric, names = params["metric"], list(dict.fromkeys(names_in(params["experiments"])))
        check_metric(metric)
        one_of("runs", params["runs"], RUNS)
        own = MlflowClient().get_experiment(active.info.experiment_id)
        judged = best_first(choose(find_experiments(names) or [own], params["runs"]), metric)
        differing = differences(judged)
        for difference in differing:
            console.warn(f"not a comparison of like with like: {difference}")
        with console.progress("comparing row by row"):
            predictions = [predictions_of(one) for one in judged]
            gains = paired_gains(judged, predictions, metric)
        table = tabulate(judged, predictions, gains)
        log_comparison(table, metric, differing)
        verdicts = [verdict_on(gain, metric) for gain in gains[1:]]
        show(table, metric, verdicts, active.info.run_id)
        return table


if __name__ == "__main__":
    sys.exit(launch("compare", run))
