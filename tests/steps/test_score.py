import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from steps import batches
from steps.atomic import replacing
from steps.files import read_table
from steps.system_metrics import is_cost
from tests.conftest import ROOT, environment, shell
from tests.tables import customers

MODEL = "models:/scored@champion"
COLUMNS = ["row", "prediction", "probability", "probability_0", "probability_1"]


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory, tracking: dict[str, str]) -> str:
    """A registered model with features of every kind."""
    path = tmp_path_factory.mktemp("data") / "t.csv"
    customers().to_csv(path, index=False)
    command = ["python", "-m", "steps.main", f"--data={path}", "--target=churn"]
    done = shell([*command, "--model_name=scored"], ROOT, **tracking)
    assert done.returncode == 0, done.stderr
    return MODEL


@pytest.fixture
def score(step, registered, tmp_path):
    """Score a table into tmp_path/s.parquet, unless told otherwise."""

    def run(table: pd.DataFrame | str | Path, **params: object):
        path = table
        if isinstance(table, pd.DataFrame):
            path = tmp_path / "in.csv"
            table.to_csv(path, index=False)
        elif isinstance(table, str):
            path = tmp_path / "in.csv"
            path.write_text(table)
        defaults = {"model_uri": registered, "output": tmp_path / "s.parquet"}
        return step("score", input=path, **(defaults | params))

    return run


def answers_to_the_whole(path: Path) -> pd.DataFrame:
    """Ask the model as the README does: the whole table at once."""
    rows, _ = read_table(str(path))
    rows = rows.astype({c: float if rows[c].dtype.kind in "iuf" else object for c in rows})
    return mlflow.pyfunc.load_model(MODEL).predict(rows, params={"output": "all"})


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_the_answers_are_those_to_the_whole_table(score, tmp_path, ending):
    frame, path = customers(1000, seed=1), tmp_path / f"in.{ending}"
    frame.to_parquet(path) if ending == "parquet" else frame.to_csv(path, index=False)
    assert score(path).status == 0
    scores = pd.read_parquet(tmp_path / "s.parquet")
    assert scores["row"].tolist() == list(range(1000))
    pd.testing.assert_frame_equal(scores[COLUMNS[1:]], answers_to_the_whole(path))


def test_where_a_batch_ends_changes_no_answer(score, tmp_path, monkeypatch):
    # the last rows alone would have other types: no text, no null, whole numbers only
    frame = customers(400, seed=2)
    frame.loc[300:, ["city", "comment"]] = None
    frame.loc[300:, "balance"] = 1000
    score(frame)
    whole = pd.read_parquet(tmp_path / "s.parquet")
    monkeypatch.setattr(batches, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(batches, "BATCH_ROWS", 90)
    score(frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "s.parquet"), whole)


def test_csv_and_parquet_outputs_hold_the_same(score, tmp_path):
    score(customers(100), output=tmp_path / "s.csv")
    score(customers(100))
    in_csv = pd.read_csv(tmp_path / "s.csv")
    assert list(in_csv) == COLUMNS
    pd.testing.assert_frame_equal(in_csv, pd.read_parquet(tmp_path / "s.parquet"))


def with_bad_rows() -> str:
    lines = customers(10).astype({"age": object}).to_csv(index=False).splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[0], "old", 1)  # data row 2
    lines[6] = lines[6] + ",one more"
    lines[8] = "inf" + lines[8][lines[8].index(",") :]
    return "\n".join([*lines, "short,row"])


REASONS = {
    2: "column 'age', row 2: expected a number, got 'old'",
    5: "expected 12 cells, as in the header, got 13",
    7: "column 'age', row 7: expected a finite number, got inf",
    10: "expected 12 cells, as in the header, got 2",
}


@pytest.mark.parametrize("batch_rows", [2, 1000])
def test_a_bad_row_goes_to_the_side_file_with_its_reason(score, tmp_path, monkeypatch, batch_rows):
    monkeypatch.setattr(batches, "BATCH_ROWS", batch_rows)
    assert score(with_bad_rows()).status == 0
    bad = pd.read_parquet(tmp_path / "s.bad.parquet")
    assert dict(zip(bad["row"], bad["error"], strict=True)) == REASONS


def test_a_bad_row_costs_no_other_row_its_answer(score, tmp_path):
    score(with_bad_rows())
    scores = pd.read_parquet(tmp_path / "s.parquet")
    customers(10).to_csv(tmp_path / "good.csv", index=False)
    expected = answers_to_the_whole(tmp_path / "good.csv").loc[lambda f: ~f.index.isin(REASONS)]
    assert scores["row"].tolist() == expected.index.tolist()
    assert scores["probability_1"].tolist() == expected["probability_1"].tolist()


def test_the_counts_add_up_on_the_run_and_on_the_console(score):
    outcome = score(with_bad_rows())
    (run,) = outcome.runs("score")
    found = {name: value for name, value in run.data.metrics.items() if not is_cost(name)}
    assert found == {"rows": 11, "scored_rows": 7, "bad_rows": 4}
    assert "  rows         11" in outcome.out


def test_the_run_says_what_was_read_by_which_version_and_what_was_written(score, tmp_path, client):
    (run,) = score(customers(50)).runs("score")
    tags = run.data.tags
    for name, file in (("input_sha256", "in.csv"), ("output_sha256", "s.parquet")):
        assert tags[name] == hashlib.sha256((tmp_path / file).read_bytes()).hexdigest()
    version = client.get_model_version_by_alias("scored", "champion").version
    assert (tags["model_uri"], tags["model_version"]) == (MODEL, str(version))


def test_without_bad_rows_there_is_no_side_file_not_even_an_older_one(score, tmp_path):
    (tmp_path / "s.bad.parquet").write_text("of an earlier run")
    score(customers(50))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "s.parquet"]


def test_a_header_without_rows_gives_the_columns_without_rows(score, tmp_path):
    assert score(customers(5).head(0)).status == 0
    scores = pd.read_parquet(tmp_path / "s.parquet")
    assert (list(scores), len(scores)) == (COLUMNS, 0)
    assert scores.dtypes[["row", "prediction", "probability"]].tolist() == ["int64"] * 2 + [
        np.float64
    ]


def test_a_table_of_bad_rows_only_is_scored_all_the_same(score, tmp_path):
    assert score(customers(3).assign(age="x")).status == 0
    assert len(pd.read_parquet(tmp_path / "s.parquet")) == 0
    assert len(pd.read_parquet(tmp_path / "s.bad.parquet")) == 3


def test_a_model_in_a_folder_scores_as_well(score, tmp_path, client):
    folder = mlflow.artifacts.download_artifacts(MODEL, dst_path=str(tmp_path / "model"))
    outcome = score(customers(20), model_uri=folder)
    assert outcome.status == 0, outcome.err
    assert "model_version" not in outcome.runs("score")[0].data.tags


def test_text_labels_stay_texts(step, happy, tmp_path):
    outcome = step("score", model_uri="models:/pyfunc-classifier/1", output=tmp_path / "s.parquet")
    scores = pd.read_parquet(tmp_path / "s.parquet")
    assert (outcome.status, len(scores)) == (0, 344)
    assert set(scores["prediction"]) == {"Adelie", "Chinstrap", "Gentoo"}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"output": "s.txt"}, "output: expected a path ending in .parquet or .csv, got 's.txt'"),
        ({"output": "s3://b/s.csv"}, "output: expected a path ending in .parquet or .csv, got"),
        ({"output": "{tmp}/a.csv"}, "output: expected a file, found a folder at {tmp}/a.csv"),
        ({"output": "{tmp}/no/s.csv"}, "output: expected a folder at {tmp}/no, found none"),
        ({"output": "{tmp}/in.csv"}, "output: expected another file than the input, got"),
        ({"input": "{tmp}/no.csv"}, "input: expected a file, found nothing at {tmp}/no.csv"),
        ({"input": "{tmp}/x.txt"}, "input: expected a name ending in .csv, .csv.gz, .parquet"),
        ({"input": "{tmp}/empty.csv"}, "expected a header and rows, got an empty file"),
        ({"input": "{tmp}/fake.parquet"}, "input: cannot read {tmp}/fake.parquet: "),
        ({"input": "{tmp}/few.csv"}, "few.csv: missing columns ['visits', 'plan', "),
        ({"model_uri": "models:/none@champion"}, "model_uri: expected a model that this project"),
        ({"model_uri": "models:/scored/99"}, "model_uri: expected a model that this project"),
        ({"model_uri": "{tmp}/none"}, "model_uri: expected a model that this project packaged"),
        ({"rows": "5"}, "no parameter 'rows': expected one of model_uri, input, output"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(score, tmp_path, params, reason):
    (tmp_path / "a.csv").mkdir()
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "fake.parquet").write_text("a,b")
    frame = customers(20)
    frame[["age", "balance", "city", "joined"]].to_csv(tmp_path / "few.csv", index=False)
    before = sorted(tmp_path.iterdir())
    params = {name: value.format(tmp=tmp_path) for name, value in params.items()}
    frame.to_csv(tmp_path / "in.csv", index=False)
    outcome = score(Path(params.pop("input", tmp_path / "in.csv")), **params)
    assert (outcome.status, len(outcome.err.splitlines())) == (1, 1)
    assert reason.format(tmp=tmp_path) in outcome.err
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "in.csv"])


def test_a_failure_in_the_middle_leaves_the_earlier_output(score, tmp_path):
    (tmp_path / "s.parquet").write_text("earlier")
    outcome = score(customers(2000).to_csv(index=False) + '1,"')
    assert "in.csv: row 2000: expected an end to every quote" in outcome.err
    assert (tmp_path / "s.parquet").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "s.parquet"]


def test_a_second_run_to_the_same_output_is_refused(score, tmp_path):
    with replacing(tmp_path / "s.parquet"):
        outcome = score(customers(20))
    assert "output: another run is writing" in outcome.err


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that takes seconds, with bad rows."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    frame = customers(20_000).astype({"age": object})
    frame.loc[::1000, "age"] = "x"
    text = frame.to_csv(index=False)
    header, rows = text.split("\n", 1)
    path.write_text(f"{header}\n{rows * 4}")
    return path


def start(table: Path, output: Path, tracking: dict[str, str]) -> subprocess.Popen:
    arguments = [f"--input={table}", f"--output={output}", f"--model_uri={MODEL}"]
    return subprocess.Popen(
        [sys.executable, "-m", "steps.score", *arguments],
        cwd=ROOT, env=environment(**tracking), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def stop_while_it_writes(process: subprocess.Popen, output: Path, number: int) -> int:
    partial = output.with_name(f".{output.name}.partial")
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.stat().st_size > 100_000):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"not stopped while it wrote, exit status {process.returncode}")
    os.kill(process.pid, number)
    return process.wait(60)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_killed_and_run_again_gives_the_bytes_of_an_undisturbed_run(
    registered, tracking, large, tmp_path, ending
):
    for name in ("calm", "killed"):
        (tmp_path / name).mkdir()
    calm, killed = (tmp_path / name / f"s.{ending}" for name in ("calm", "killed"))
    assert start(large, calm, tracking).wait() == 0
    killed.write_text("earlier")
    assert stop_while_it_writes(start(large, killed, tracking), killed, signal.SIGKILL) == -9
    assert killed.read_text() == "earlier"
    assert start(large, killed, tracking).wait() == 0
    assert digests(killed.parent) == digests(calm.parent)


def test_sigterm_leaves_the_earlier_output_and_no_partial_file(
    registered, tracking, large, tmp_path
):
    output = tmp_path / "s.parquet"
    output.write_text("earlier")
    status = stop_while_it_writes(start(large, output, tracking), output, signal.SIGTERM)
    assert status == 128 + signal.SIGTERM
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"s.parquet": "earlier"}
