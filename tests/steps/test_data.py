import gzip
import hashlib

import pandas as pd
import pytest

from steps.data import read_table, select_columns, split
from steps.errors import StepError


def test_the_hash_is_that_of_the_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n1,2\n")
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert read_table(str(path))[1] == digest


def test_a_relative_path_that_is_not_there_gets_told_where_it_was_sought(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StepError) as caught:
        read_table("mine.csv")
    assert str(caught.value) == (
        f"data: expected a file, found nothing at {tmp_path}/mine.csv; give an absolute path or a "
        "URI (a relative path is looked up in the project's folder, which for a run from a git "
        "URL is a fresh clone)"
    )


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(StepError, match="expected a file, found a folder at"):
        read_table(str(tmp_path / "x.csv"))


def test_an_unknown_ending_is_refused_with_the_known_ones():
    with pytest.raises(StepError, match=r"ending in .csv, .csv.gz, .parquet, got 'x.xlsx'"):
        read_table("x.xlsx")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.parquet", b"PAR1 no"),
        ("broken.csv.gz", b"no gzip"),
        ("broken.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-9]),
        ("empty.csv", b""),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n"),
        ("latin.csv", b"a,b\n\xe9,2\n"),
    ],
)
def test_an_unreadable_file_gets_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StepError, match=f"data: cannot read .*{name} as") as caught:
        read_table(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_an_unreachable_uri_gets_one_line():
    with pytest.raises(StepError, match=r"data: cannot download http://127\.0\.0\.1:9/x\.csv: "):
        read_table("http://127.0.0.1:9/x.csv")


def test_a_category_column_reads_as_its_categories(tmp_path):
    frame = pd.DataFrame({"c": pd.Categorical(["x", None]), "n": pd.Categorical([3, 4])})
    frame.to_parquet(tmp_path / "c.parquet")
    read, _ = read_table(str(tmp_path / "c.parquet"))
    assert (read["c"].tolist()[0], read["n"].tolist()) == ("x", [3, 4])


@pytest.mark.parametrize("labels", [[1, 0], [True, False], ["a", "b"], [0.0, 1.0]])
def test_integers_booleans_texts_and_whole_decimals_can_be_labels(labels):
    frame = pd.DataFrame({"x": range(4), "y": labels * 2})
    assert select_columns(frame, "y", [])[1].tolist() == labels * 2


@pytest.mark.parametrize("labels", [[1, "a"], [["l"], ["m"]], pd.to_datetime(["2024", "2025"])])
def test_labels_of_other_types_are_refused(labels):
    frame = pd.DataFrame({"x": range(4), "y": list(labels) * 2})
    with pytest.raises(StepError, match="target 'y': expected integers, booleans or texts, got"):
        select_columns(frame, "y", [])


def test_null_labels_are_counted_and_located():
    frame = pd.DataFrame({"x": range(6), "y": [1, None, 0, None, 1, None]})
    with pytest.raises(StepError, match=r"got 3 nulls \(first data rows \[2, 4, 6\]\)"):
        select_columns(frame, "y", [])


def test_a_split_with_fewer_rows_than_classes_is_refused():
    labels = pd.Series(["a", "b", "c"] * 2)
    with pytest.raises(StepError, match=r"test_size: 0.2 cannot split 6 rows"):
        split(labels.to_frame(), labels, 0.2, 0)
