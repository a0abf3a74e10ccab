import hashlib

import pandas as pd
import pytest

from steps.errors import StepError
from steps.files import read_table


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


def test_a_category_column_reads_as_its_categories(tmp_path):
    frame = pd.DataFrame({"c": pd.Categorical(["x", None]), "n": pd.Categorical([3, 4])})
    frame.to_parquet(tmp_path / "c.parquet")
    read, _ = read_table(str(tmp_path / "c.parquet"))
    assert (read["c"].tolist()[0], read["n"].tolist()) == ("x", [3, 4])


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert list(read_table(str(tmp_path / "t.csv"))[0]) == ["a", "b"]


def test_a_cell_in_quotes_may_hold_commas_and_line_ends(tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n"x, y",1\n"two\nlines",2\n')
    assert read_table(str(tmp_path / "t.csv"))[0]["a"].tolist() == ["x, y", "two\nlines"]


def test_a_saved_index_is_a_column(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    frame.to_parquet(tmp_path / "t.parquet")
    assert list(read_table(str(tmp_path / "t.parquet"))[0]) == ["key", "a"]
