"""Scoring on Spark: ``uv run --extra spark pytest -m slow tests/steps/test_spark_score.py``."""

import importlib.util
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from steps.atomic_folders import replacing_folders
from steps.errors import StepError
from steps.spark_session import check_spark
from tests.conftest import ROOT, shell
from tests.tables import customers

HAS_SPARK = importlib.util.find_spec("pyspark") is not None
on_spark = [
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_SPARK, reason="needs the extra spark"),
    pytest.mark.filterwarnings("ignore"),
]
MODEL = "models:/on-spark@champion"


@pytest.mark.skipif(HAS_SPARK, reason="pyspark is installed")
def test_spark_that_is_not_installed_is_said_how_to_install(step):
    outcome = step("score", engine="spark")
    assert "engine: spark needs pyspark, which is not installed; start with" in outcome.err


@pytest.mark.skipif(not HAS_SPARK, reason="needs the extra spark")
def test_spark_without_java_is_said_how_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(StepError, match="engine: spark needs Java 17 or later, found none"):
        check_spark()


def test_spark_writes_a_folder_of_parquet_only(step, tmp_path):
    outcome = step("score", engine="spark", output=tmp_path / "s.csv")
    assert "output: expected a path ending in .parquet, got" in outcome.err


@pytest.fixture(scope="module")
def session() -> Iterator[object]:
    """A session at hand, which the step joins and leaves."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[2]").getOrCreate()
    yield spark
    spark.stop()


@pytest.fixture(scope="module")
def registered(tmp_path_factory, tracking) -> str:
    """A registered model with features of every kind."""
    path = tmp_path_factory.mktemp("data") / "t.csv"
    customers().to_csv(path, index=False)
    command = ["python", "-m", "steps.main", f"--data={path}", "--target=churn"]
    done = shell([*command, "--model_name=on-spark", "--verify_env=local"], ROOT, **tracking)
    assert done.returncode == 0, done.stderr
    return MODEL


@pytest.fixture
def both(step, session, registered, tmp_path):
    """Score a table by both engines: the answers and the bad rows of each, by row."""

    def run(source, **params):
        found = []
        for engine in ("local", "spark"):
            output = tmp_path / f"{engine}.parquet"
            outcome = step(
                "score", input=source, output=output, engine=engine, model_uri=registered, **params
            )
            assert outcome.status == 0, outcome.err
            bad = output.with_name(f"{engine}.bad.parquet")
            found.append([read(output), read(bad) if bad.exists() else None])
        return found

    return run


def read(path) -> pd.DataFrame:
    return pd.read_parquet(path).sort_values("row", ignore_index=True)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=0, atol=1e-9)


def with_bad_rows() -> str:
    frame = customers(300).astype({"age": object, "member": object})
    frame.loc[7, "age"] = "old"
    frame.loc[8, "age"] = np.inf
    frame.loc[9, "member"] = "perhaps"
    frame.loc[10:20, "member"] = "1"
    frame.loc[21, "joined"] = "someday"
    return frame.to_csv(index=False) + "short,row\n"


class TestOnSpark:
    pytestmark = on_spark

    def test_a_csv_file_gets_the_same_answers_and_the_same_bad_rows(self, both, tmp_path):
        (tmp_path / "in.csv").write_text(with_bad_rows())
        (scores, bad), (scores_of_spark, bad_of_spark) = both(tmp_path / "in.csv", id="customer_id")
        same(scores_of_spark, scores)
        same(bad_of_spark, bad)
        assert bad["row"].tolist() == [7, 8, 9, 21, 300]

    def test_a_folder_of_parquet_gets_the_same_answers_by_row(self, both, tmp_path):
        (tmp_path / "in").mkdir()
        frame = customers(500)
        frame.loc[400, "age"] = np.inf
        frame["member"] = frame["member"].map({True: "true", False: "false"})
        frame[:200].to_parquet(tmp_path / "in" / "a.parquet", row_group_size=50)
        frame[200:].to_parquet(tmp_path / "in" / "b.parquet")
        (scores, bad), (scores_of_spark, bad_of_spark) = both(tmp_path / "in", id="customer_id")
        same(scores_of_spark, scores)
        same(bad_of_spark, bad)
        assert scores_of_spark["row"].tolist() == [row for row in range(500) if row != 400]

    def test_dates_and_booleans_in_their_own_types_get_the_same_answers(self, both, tmp_path):
        frame = customers(200)
        frame["joined"] = pd.to_datetime(frame["joined"]).dt.as_unit("us")
        frame["member"] = frame["member"].astype("boolean")
        frame.to_parquet(tmp_path / "in.parquet")
        (scores, none), (scores_of_spark, none_of_spark) = both(tmp_path / "in.parquet")
        same(scores_of_spark, scores)
        assert (none, none_of_spark) == (None, None)

    def test_text_labels_stay_texts(self, step, session, happy, tmp_path):
        outcome = step(
            "score", model_uri="models:/pyfunc-classifier/1", engine="spark",
            output=tmp_path / "s.parquet",
        )  # fmt: skip
        assert outcome.status == 0, outcome.err
        assert set(read(tmp_path / "s.parquet")["prediction"]) == {"Adelie", "Chinstrap", "Gentoo"}

    def test_the_counts_are_on_the_run(self, step, session, registered, tmp_path):
        (tmp_path / "in.csv").write_text(with_bad_rows())
        outcome = step(
            "score", input=tmp_path / "in.csv", output=tmp_path / "s.parquet", engine="spark",
            model_uri=registered,
        )  # fmt: skip
        metrics = outcome.runs("score")[0].data.metrics
        assert [metrics[name] for name in ("rows", "scored_rows", "bad_rows")] == [301, 296, 5]
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "in.csv", "s.bad.parquet", "s.parquet",
        ]  # fmt: skip


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_stays_as_it_was_until_the_end(tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "old").touch()
    with replacing_folders(tmp_path / "t") as (_, new):
        new.mkdir()
        (new / "new").touch()
        assert names(tmp_path / "t") == ["old"]
    assert (names(tmp_path / "t"), names(tmp_path)) == (["new"], ["t"])


def test_a_failure_leaves_the_folder_and_no_trace(tmp_path):
    (tmp_path / "t").mkdir()

    def fail():
        with replacing_folders(tmp_path / "t") as (_, new):
            new.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == ["t"]


def test_a_folder_that_is_not_made_is_removed_with_its_predecessor(tmp_path):
    (tmp_path / "t").mkdir()
    with replacing_folders(tmp_path / "t"):
        pass
    assert names(tmp_path) == []


def test_what_a_killed_run_left_is_cleared_away(tmp_path):
    (tmp_path / ".t.partial" / "new-0").mkdir(parents=True)
    with replacing_folders(tmp_path / "t") as (_, new):
        assert not new.exists()


def test_a_second_writer_to_the_same_folder_is_refused(tmp_path):
    with (
        replacing_folders(tmp_path / "t"),
        pytest.raises(StepError, match="another run is writing"),
        replacing_folders(tmp_path / "t"),
    ):
        pass
