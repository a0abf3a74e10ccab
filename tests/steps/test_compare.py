"""A forest and a network, as two experiments on the same data."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from steps.bootstrap import gains
from steps.comparison import shortened
from steps.comparison_plot import draw_comparison
from steps.judgement import score
from steps.metrics import LOSSES, METRICS
from steps.runs import launch
from steps.storage import load_training
from tests.conftest import ENTRY_POINTS, ROOT

EXAMPLE = re.search(r"```bash\n(.*?)```", (ROOT / "docs/comparison.md").read_text(), re.DOTALL)[1]
*MAKING, _ = EXAMPLE.splitlines()


@pytest.fixture(scope="module")
def launched(store: str, artifacts: str) -> Iterator[Callable[..., int]]:
    """Launch an entry point in the experiment of a name."""
    client = MlflowClient(store)

    def run(name: str, entry_point: str, *argv: str) -> int:
        found = client.get_experiment_by_name(name)
        made = found.experiment_id if found else client.create_experiment(name, artifacts)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            patch.setenv("MLFLOW_EXPERIMENT_ID", made)
            mlflow.set_tracking_uri(store)
            return launch(entry_point, ENTRY_POINTS[entry_point].run, list(argv))

    yield run
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def two(launched) -> str:
    """The example of docs/comparison.md, but for its last command."""
    for command in MAKING:
        name, entry_point = re.findall(r"--experiment-name (\w+) -e (\w+)", command)[0]
        assert launched(name, entry_point, *arguments_of(command)) == 0
    return "forest,network"


def arguments_of(command: str) -> list[str]:
    """Turn each -P of a command into what its step gets."""
    return [f"--{given}" for given in re.findall(r"-P (\S+)", command)]


def table_of(run: Run) -> pd.DataFrame:
    return mlflow.load_table("comparison.json", run_ids=[run.info.run_id])


def newest(client: MlflowClient, experiment_name: str, step: str) -> Run:
    found = client.get_experiment_by_name(experiment_name).experiment_id
    return client.search_runs([found], f"tags.step = '{step}'")[0]


def test_the_last_command_of_the_example_makes_one_table_the_best_first(step, two, client):
    command = EXAMPLE.splitlines()[-1]
    assert "-e compare -P experiments=forest,network" in command
    outcome = step("compare", **dict(re.findall(r"-P (\w+)=(\S+)", command)))
    (run,) = outcome.runs("compare")
    assert (outcome.status, outcome.err) == (0, "")
    assert table_of(run)["log_loss"].is_monotonic_increasing
    assert set(table_of(run)["experiment"]) == {"forest", "network"}
    assert table_of(run)["run_id"][0] == run.data.tags["best_run_id"]


def test_a_row_tells_a_run_with_its_data_and_every_metric(step, two, client):
    outcome = step("compare", experiments=two)
    (run,) = outcome.runs("compare")
    row = table_of(run).set_index("experiment").loc["forest"]
    forest, judged = (newest(client, "forest", name) for name in ("train", "evaluate"))
    assert (row["classifier"], row["verdict"]) == ("random_forest", "VALIDATED")
    assert (row["run_id"], row["evaluate_run_id"]) == (forest.info.run_id, judged.info.run_id)
    assert row["fit_seconds"] == pytest.approx(forest.data.metrics["fit_seconds"])
    assert row["data"] == f"data/penguins.csv {forest.data.tags['data_sha256'][:8]}"
    assert row[list(METRICS)].to_dict() == pytest.approx(
        {name: judged.data.metrics[name] for name in METRICS}
    )
    assert f"accuracy           {judged.data.metrics['accuracy']:.4f}" in outcome.out


def test_the_plot_is_logged(step, two, client):
    (run,) = step("compare", experiments=two).runs("compare")
    (file,) = client.list_artifacts(run.info.run_id, "plots")
    assert file.path == "plots/comparison.png"


def test_the_intervals_of_the_evaluations_are_in_the_table_and_shown(step, two, client):
    judged = newest(client, "forest", "evaluate").data.metrics
    outcome = step("compare", experiments=two)
    (run,) = outcome.runs("compare")
    row = table_of(run).set_index("experiment").loc["forest"]
    interval = [judged["accuracy_low"], judged["accuracy_high"]]
    assert row[["accuracy_low", "accuracy_high"]].tolist() == pytest.approx(interval)
    assert "[{:.3f}, {:.3f}]".format(*interval) in outcome.out


def test_the_gain_of_the_best_on_the_same_rows_comes_with_its_interval(step, two, client):
    answers = {}
    for name in two.split(","):
        judged = newest(client, name, "evaluate")
        answers[name] = score(load_training(judged.data.tags["train_run_id"]))
    outcome = step("compare", experiments=two, metric="log_loss")
    (run,) = outcome.runs("compare")
    table = table_of(run)
    best, other = table["experiment"]
    (gain,) = gains("log_loss", answers[best][0], answers[best][1], [answers[other][1]])
    columns = ["gain_of_best", "gain_of_best_low", "gain_of_best_high"]
    assert table[columns].loc[1].tolist() == pytest.approx(list(gain))
    assert table[columns].loc[0].isna().all()
    assert table["held_out_rows"].tolist() == [69, 69]
    sure = "better" if gain.low > 0 else "the rows cannot tell them apart"
    assert f"  over {other}  log_loss {gain}: {sure}\n" in outcome.out


def test_a_cached_evaluation_is_followed_to_the_original(step, two, client):
    made = client.create_experiment("compared cached")
    original = newest(client, "network", "evaluate")
    tags = {"step": "evaluate", "cached_from": original.info.run_id}
    client.set_terminated(client.create_run(made, tags=tags).info.run_id)
    (run,) = step("compare", experiments="forest,compared cached").runs("compare")
    row = table_of(run).set_index("experiment").loc["compared cached"]
    assert row["evaluate_run_id"] == original.info.run_id


def test_all_runs_of_the_own_experiment_are_compared_each_by_its_newest_evaluation(
    step, two, client, monkeypatch
):
    trained = [newest(client, name, "train").info.run_id for name in two.split(",")]
    made = client.create_experiment("compared all")
    for figure, train_run_id in ((0.1, trained[0]), (0.9, trained[0]), (0.5, trained[1])):
        tags = {"step": "evaluate", "verdict": "VALIDATED", "train_run_id": train_run_id}
        run_id = client.create_run(made, tags=tags).info.run_id
        client.log_metric(run_id, "roc_auc", figure)
        client.set_terminated(run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", made)
    assert step("compare", runs="all").status == 0
    table = table_of(newest(client, "compared all", "compare"))
    assert table["label"].tolist() == [f"compared all {run_id[:8]}" for run_id in trained]
    assert table["roc_auc"].tolist() == [0.9, 0.5]


def test_other_data_is_a_loud_warning_and_no_gain(step, launched, two, tmp_path):
    rows = (ROOT / "data" / "penguins.csv").read_text().splitlines(keepends=True)
    (tmp_path / "fewer.csv").write_text("".join(rows[:-5]))
    launched("fewer", "train", f"--data={tmp_path / 'fewer.csv'}", "--max_iter=1")
    assert launched("fewer", "evaluate", "--gates=accuracy>=1") == 1
    outcome = step("compare", experiments="forest,fewer")
    (run,) = outcome.runs("compare")
    assert outcome.err.startswith(
        "warning: not a comparison of like with like: the data differs (forest data/penguins.csv "
    )
    assert run.data.tags["like_with_like"] == "false"
    assert re.fullmatch(
        r"the data differs \(.+\); the split differs \(.+\)", run.data.tags["differences"]
    )
    assert table_of(run)["verdict"].tolist() == ["VALIDATED", "REJECTED"]
    assert "over fewer  not compared row by row" in outcome.out


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            {"experiments": "forests,network"},
            "experiments: no experiment 'forests' in the tracking store; did you mean 'forest'?",
        ),
        (
            {"experiments": "forest"},
            "experiments: expected two evaluated runs or more, got one, of 'forest'; name "
            "two experiments, or say runs=all\n",
        ),
        (
            {"experiments": "forest,compared empty"},
            "experiments: expected an evaluated run in 'compared empty', found none; run the entry "
            "points train and evaluate with --experiment-name 'compared empty'\n",
        ),
        ({"metric": "auc"}, "metric: no metric 'auc': expected one of accuracy"),
        ({"runs": "some"}, "runs: expected one of newest, all, got 'some'\n"),
        ({"experiment": "x"}, "no parameter 'experiment': expected one of experiments, "),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(step, two, client, params, said):
    if not client.get_experiment_by_name("compared empty"):
        client.create_experiment("compared empty")
    outcome = step("compare", **{"experiments": two} | params)
    assert outcome.status == 1
    assert outcome.err.startswith(f"error: {said}")
    assert outcome.err.count("\n") == 1


def many(n_runs: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = ["forest", "network", "customers of 2024 by region, boosted", "a$b$", "_hidden"]
    rows = []
    for place in range(n_runs):
        values = {name: rng.uniform(0.1, 0.9) for name in METRICS}
        low = {f"{name}_low": value - 0.05 for name, value in values.items()}
        high = {f"{name}_high": value + 0.05 for name, value in values.items()}
        label = names[place % 5] + f" {place}"
        rows.append({"label": label, "classifier": "random_forest", **values, **low, **high})
    return pd.DataFrame(rows)


def apart(boxes: list[tuple[float, float]]) -> bool:
    return all(a[1] <= b[0] for a, b in pairwise(sorted(boxes)))


@pytest.mark.parametrize("n_runs", [2, 5, 40])
def test_nothing_overlaps_in_the_plot(n_runs):
    figure = draw_comparison(many(n_runs), "log_loss", ["the data differs (a b, c d)"])
    figure.draw_without_rendering()
    for axes in figure.axes:
        ticks = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert apart([(box.x0, box.x1) for box in ticks])
    names = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert apart([(box.y0, box.y1) for box in names])
    assert min(box.x0 for box in names) >= 0
    top = figure._suptitle.get_window_extent().y0
    assert all(axes.title.get_window_extent().y1 <= top for axes in figure.axes)


def test_the_plot_has_a_panel_for_each_metric_that_of_choice_first():
    figure = draw_comparison(many(2), "log_loss", [])
    titles = [axes.get_title() for axes in figure.axes]
    named = [f"{name} (less is better)" if name in LOSSES else name for name in METRICS]
    assert titles[0] == "log_loss (less is better)"
    assert sorted(titles) == sorted(named)


def test_a_long_label_keeps_its_end_where_labels_differ():
    assert shortened("customers of 2024, forest", 13) == "custom…forest"
