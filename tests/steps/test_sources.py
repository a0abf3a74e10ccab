import gzip
import hashlib
import subprocess

import pandas as pd
import pytest

from steps.batches import evened, one_after_other, read_batches
from steps.errors import StepError
from steps.sources import find_source, types_of


def folder_of(tmp_path, **texts):
    folder = tmp_path / "t"
    folder.mkdir()
    for name, text in texts.items():
        path = folder / name.replace("_csv", ".csv").replace("_gz", ".gz")
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return folder


def read(folder, columns=("a",)):
    """Read all rows of a folder: position -> cells, and position -> what is wrong."""
    source = find_source(str(folder), "")
    files = {p.path: read_batches(p.path, p.data, list(columns)) for p in source.parts}
    rows, ragged = {}, {}
    for batch in evened(one_after_other(files)):
        cells = zip(*(column.to_pylist() for column in batch.cells.columns), strict=True)
        rows |= dict(zip(batch.rows.tolist(), cells, strict=True))
        ragged |= batch.ragged
    return rows, ragged


def test_the_files_of_a_folder_come_in_the_order_of_their_names(tmp_path):
    folder = folder_of(tmp_path, b_csv="a\n3\n", a_csv_gz="a\n1\n2\n", c_csv="a\n4\n")
    assert read(folder)[0] == {0: ("1",), 1: ("2",), 2: ("3",), 3: ("4",)}


def test_rows_are_counted_over_the_whole_folder_ragged_ones_too(tmp_path):
    folder = folder_of(tmp_path, a_csv="a,b\n1,2\nshort\n", b_csv="a,b\n\n3,4\n5\n")
    rows, ragged = read(folder)
    assert rows == {0: ("1",), 2: ("3",)}
    assert list(ragged) == [1, 3]


def test_columns_may_stand_in_another_order_in_another_file(tmp_path):
    folder = folder_of(tmp_path, a_csv="a,b\n1,2\n", b_csv="b,a\n4,3\n")
    assert read(folder, ("a", "b"))[0] == {0: ("1", "2"), 1: ("3", "4")}


def test_whole_numbers_in_one_file_and_fractions_in_another_are_one_column(tmp_path):
    (tmp_path / "t").mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t" / "a.parquet")
    pd.DataFrame({"a": [0.5]}).to_parquet(tmp_path / "t" / "b.parquet")
    assert read(tmp_path / "t")[0] == {0: (1.0,), 1: (0.5,)}


@pytest.mark.parametrize("hidden", ["_SUCCESS", ".a.csv.crc", "_tmp.csv"])
def test_hidden_files_are_not_read(tmp_path, hidden):
    folder = folder_of(tmp_path, a_csv="a\n1\n")
    (folder / hidden).write_text("x")
    assert read(folder)[0] == {0: ("1",)}


def test_a_folder_may_have_the_ending_of_a_file(tmp_path):
    folder = folder_of(tmp_path, a_csv="a\n1\n").rename(tmp_path / "t.csv")
    assert read(folder)[0] == {0: ("1",)}


def test_a_folder_may_be_a_uri(tmp_path):
    folder = folder_of(tmp_path, a_csv="a\n1\n")
    assert read(folder.as_uri())[0] == {0: ("1",)}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "input: {}: expected files ending in .csv, .csv.gz, .parquet, got an empty folder"),
        ({"a.csv": "a\n", "b.txt": ""}, "found b.txt there; take that out, or give another"),
        ({"a.csv": "a\n", "b.parquet": ""}, "expected CSV files or parquet files, got both"),
        ({"a.csv": "a\n", "b.csv": "a,b\n"}, "b.csv: expected the columns of a.csv, has also 'b'"),
        ({"a.csv": "a,b\n", "b.csv": "a,c\n"}, "b.csv: expected the columns of a.csv, lacks 'b' "),
        ({"a.csv": "a\n", "b.csv": ""}, "b.csv: expected a header and rows, got an empty file"),
    ],
)
def test_a_folder_that_is_no_table_is_refused(tmp_path, files, reason):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(StepError) as caught:
        types_of(find_source(str(tmp_path), ""))
    assert reason.format(tmp_path) in str(caught.value)


def test_a_folder_in_the_folder_is_refused_by_its_name(tmp_path):
    (folder_of(tmp_path, a_csv="a\n") / "year=2024").mkdir()
    with pytest.raises(StepError, match="found year=2024 there"):
        find_source(str(tmp_path / "t"), "")


def test_the_hash_of_a_folder_is_that_of_what_sha256sum_prints(tmp_path):
    folder = folder_of(tmp_path, a_csv="a\n1\n", b_csv="a\n2\n")
    printed = subprocess.run(
        "sha256sum *", cwd=folder, shell=True, capture_output=True, check=True
    ).stdout
    assert find_source(str(folder), "").sha256() == hashlib.sha256(printed).hexdigest()


def test_the_share_that_is_read_grows_to_the_whole(tmp_path):
    folder = folder_of(tmp_path, a_csv="a\n" + "1\n" * 50, b_csv_gz="a\n2\n")
    source = find_source(str(folder), "")
    files = {p.path: read_batches(p.path, p.data, ["a"]) for p in source.parts}
    shares = [batch.share for batch in one_after_other(files)]
    assert (shares == sorted(shares), shares[-1]) == (True, 1.0)
