import csv
import gzip
import io
import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from steps import batches
from steps.batches import column_types, evened, read_batches
from steps.errors import StepError
from steps.files import read_table


def read(path, columns=("a", "b")):
    """Read all batches: position -> cells, and position -> what is wrong."""
    rows, ragged = {}, {}
    for batch in read_batches(path, str(path), list(columns)):
        cells = zip(*(column.to_pylist() for column in batch.cells.columns), strict=True)
        rows |= dict(zip(batch.rows.tolist(), cells, strict=True))
        ragged |= batch.ragged
    return rows, ragged


def written(folder, text):
    path = folder / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def random_row(rng: random.Random, i: int) -> str:
    kind = rng.random()
    if kind < 0.12:
        return rng.choice(["", " "])
    if kind < 0.25:
        return ",".join([f"ragged {i}"] * rng.choice([1, 3, 5]))
    return ",".join(rng.choice([f"v{i}", f'"q{i}, x"', f'"two\n\nlines {i}"']) for _ in "ab")


@pytest.mark.parametrize("seed", range(60))
def test_every_row_keeps_its_place_among_ragged_and_blank_ones(tmp_path, monkeypatch, seed):
    rng = random.Random(seed)
    monkeypatch.setattr(batches, "BLOCK_BYTES", rng.choice([100, 1000, 1 << 20]))
    monkeypatch.setattr(batches, "BATCH_ROWS", rng.choice([1, 3, 1000]))
    end = rng.choice(["\n", "\r\n"])
    text = end.join(["a,b", *(random_row(rng, i) for i in range(40))]) + rng.choice(["", end])
    lines = [row for row in csv.reader(io.StringIO(text, newline="")) if "".join(row).strip()][1:]
    rows, ragged = read(written(tmp_path, text))
    assert rows == {i: tuple(row) for i, row in enumerate(lines) if len(row) == 2}
    assert ragged == {
        i: f"expected 2 cells, as in the header, got {len(row)}"
        for i, row in enumerate(lines)
        if len(row) != 2
    }


def test_the_nulls_are_those_of_a_table_that_is_read_whole(tmp_path):
    spellings = ["", '""', "NA", '"NA"', "null", "None", "#N/A", "nan", "Null", "-", "0"]
    path = written(tmp_path, "a,b\n" + "".join(f"{spelling},x\n" for spelling in spellings))
    whole = read_table(str(path))[0]["a"]
    assert [cells[0] is None for cells in read(path)[0].values()] == whole.isna().tolist()


def test_the_columns_come_in_the_order_asked_for(tmp_path):
    path = written(tmp_path, "a,b,c\n1,2,3\n")
    assert read(path, ("c", "a"))[0] == {0: ("3", "1")}


def test_a_column_without_a_name_has_the_name_that_training_gave_it(tmp_path):
    path = written(tmp_path, ",b\n1,2\n")
    assert list(column_types(path, str(path))) == list(read_table(str(path))[0])
    assert read(path, ("Unnamed: 0",))[0] == {0: ("1",)}


def test_a_gzipped_table_with_a_byte_order_mark_reads_the_same(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfa,b\n1,2\n"))
    assert read(path)[0] == {0: ("1", "2")}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ('1,2\n3,"x\n4,5\n', "last row: expected an end to every quote"),
        ('1,2\n3,"x,y\n4,5"x,"\n6,7\n', "row 1: expected an end to every quote"),
        (b"1,2\n3,\xff\n", "expected UTF-8, got other bytes"),
    ],
)
def test_a_table_whose_rows_cannot_be_told_apart_is_refused(tmp_path, rows, reason):
    header = "a,b\n" + "0,0\n" * 10_000
    path = written(tmp_path, header.encode() + (rows if isinstance(rows, bytes) else rows.encode()))
    with pytest.raises(StepError, match=reason.replace("row 1:", "row 10001:")):
        read(path)


def test_a_row_longer_than_a_block_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BLOCK_BYTES", 1 << 20)
    path = written(tmp_path, "a,b\n1,2\n" + f"3,{'x' * (2 << 20)}\n" + "4,5\n" * 10)
    with pytest.raises(StepError, match="expected rows of at most 1 MiB; is there a quote"):
        read(path)


def test_no_batch_is_smaller_than_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_ROWS", 100)
    path = written(tmp_path, "a,b\n" + "1,2\n" * 510)
    sizes = [len(batch.rows) for batch in evened(read_batches(path, str(path), ["a"]))]
    assert sizes == [100, 100, 100, 100, 110]


def test_a_table_of_ragged_rows_only_comes_in_batches_too(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_ROWS", 100)
    monkeypatch.setattr(batches, "BLOCK_BYTES", 400)
    path = written(tmp_path, "a,b\n" + "1,2,3\n" * 1000)
    sizes = [len(batch.ragged) for batch in evened(read_batches(path, str(path), ["a"]))]
    assert (sum(sizes), max(sizes) < 300) == (1000, True)


def test_categories_in_parquet_are_plain_texts_in_every_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_ROWS", 2)
    frame = pd.DataFrame({"a": pd.Categorical(["x", "x", "y", None, "z"])})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=2)
    cells = read(tmp_path / "t.parquet", ("a",))[0].values()
    assert list(cells) == [("x",), ("x",), ("y",), (None,), ("z",)]


def test_a_parquet_table_keeps_its_types(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_ROWS", 2)
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, np.nan, 1], "c": ["x", None, "y"]})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=2)
    rows, _ = read(tmp_path / "t.parquet", ("c", "a"))
    assert rows == {0: ("x", 1), 1: (None, 2), 2: ("y", 3)}


def test_what_is_read_of_a_parquet_table_does_not_stay_in_memory(tmp_path):
    frame = pd.DataFrame({"a": np.random.default_rng(0).random(400_000)})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=20_000)
    before = pa.total_allocated_bytes()
    batches_read = read_batches(tmp_path / "t.parquet", "t.parquet", ["a"])
    held = [pa.total_allocated_bytes() - before for _ in batches_read]
    assert max(held) < 1.5 * max(held[:3])


def test_texts_are_read_as_codes_where_asked_for(tmp_path):
    frame = pd.DataFrame({"a": ["x", None, "x", "NA"], "b": ["1", "2", "3", "4"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for name, texts, n_nulls in (("t.csv", ["x"], 2), ("t.parquet", ["x", "NA"], 1)):
        (batch,) = evened(read_batches(tmp_path / name, name, ["a"], coded=["a"]))
        cells = batch.cells["a"].chunk(0)
        found = cells.dictionary.take(cells.indices.drop_null().unique()).to_pylist()
        assert (found, cells.null_count) == (texts, n_nulls)


def test_ids_are_read_as_they_stand(tmp_path):
    path = written(tmp_path, "a,b\n1,NA\nNA,\n")
    (batch,) = evened(read_batches(path, str(path), ["a"], ids=["b", "a"]))
    assert batch.ids.to_pydict() == {"b": ["NA", ""], "a": ["1", "NA"]}
    assert batch.cells.to_pydict() == {"a": ["1", None]}
