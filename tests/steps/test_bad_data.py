"""The data gate: what people really have, each refused in one line, with nothing left behind."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = [f"{i % 7},{'ab'[i % 2]},{'no' if i % 3 else 'yes'}" for i in range(60)]
GOOD = "\n".join(["x,c,y", *ROWS]) + "\n"


def text(content: str | bytes, name: str = "t.csv") -> Callable[[Path], Path]:
    """Make a file."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def lines(*rows: str) -> Callable[[Path], Path]:
    """Make a CSV of a header and some rows."""
    return text("\n".join(["x,c,y", *rows]) + "\n")


def parquet(**columns: object) -> Callable[[Path], Path]:
    """Make a parquet file of 60 rows: x, y and further columns."""

    def make(folder: Path) -> Path:
        path = folder / "t.parquet"
        frame = pd.DataFrame({"x": np.arange(60) % 7 * 1.5, "y": ["no", "yes"] * 30} | columns)
        frame.to_parquet(path)
        return path

    return make


def edited(row: int, line: str) -> Callable[[Path], Path]:
    """Make the good CSV with one row replaced."""
    return lines(*ROWS[:row], line, *ROWS[row + 1 :])


def encrypted(folder: Path) -> Path:
    """Make what an encrypted parquet file starts and ends with."""
    path = folder / "t.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    content = path.read_bytes()
    path.write_bytes(b"PARE" + content[4:-4] + b"PARE")
    return path


def duplicated_in_parquet(folder: Path) -> Path:
    path = folder / "t.parquet"
    pq.write_table(pa.table([[1, 2], [3, 4], ["a", "b"]], names=["x", "x", "y"]), path)
    return path


def folder_named_csv(folder: Path) -> Path:
    (folder / "t.csv").mkdir()
    return folder / "t.csv"


CASES = {
    # the file
    "empty": (text(""), {}, "expected a header and rows, got an empty file"),
    "blank": (text("\n\n\n\n\n\n\n\n\n"), {}, "expected a header and rows, got an empty file"),
    "header only": (text("x,c,y\n"), {}, "target 'y': expected rows, got a header only"),
    "a folder": (folder_named_csv, {}, "expected a file, found a folder at /"),
    "missing": (lambda folder: folder / "no.csv", {}, "expected a file, found nothing at /"),
    "no name": (lambda folder: "", {}, "expected a name ending in .csv, .csv.gz, .parquet, got ''"),
    "excel name": (text(b"PK", "t.xlsx"), {}, "expected a name ending in .csv"),
    "excel": (text(b"PK\x03\x04" + bytes(40)), {}, "got a zip archive (an Excel workbook is one)"),
    "old excel": (text(b"\xd0\xcf\x11\xe0" + bytes(9)), {}, "got an old Excel workbook"),
    "parquet as csv": (text(b"PAR1" + bytes(9)), {}, "got a parquet file; convert it to CSV"),
    "gzip as csv": (text(gzip.compress(GOOD.encode())), {}, "got gzipped data"),
    "sqlite": (text(b"SQLite format 3\0"), {}, "got an SQLite database"),
    "html": (text("<!DOCTYPE html><html>"), {}, "got HTML or XML; convert it to CSV"),
    "json": (text('[{"x": 1}]'), {}, "got JSON; convert it to CSV"),
    "utf-16": (text(GOOD.encode("utf-16")), {}, "got UTF-16 text; convert it to CSV"),
    "latin-1": (
        text(GOOD.replace("a", "é").encode("latin-1")), {},
        "expected UTF-8, got byte 0xe9; save the file as UTF-8",
    ),
    "latin-1 header": (
        text(GOOD.replace("x,", "é,").encode("latin-1")), {},
        "expected UTF-8, got byte 0xe9; save the file as UTF-8",
    ),
    "csv as gzip": (text(GOOD, "t.csv.gz"), {}, "cannot read"),
    "cut gzip": (text(gzip.compress(GOOD.encode())[:-20], "t.csv.gz"), {}, "cannot read"),
    "csv as parquet": (text(GOOD, "t.parquet"), {}, "cannot read"),
    "cut parquet": (text(b"PAR1" + bytes(50), "t.parquet"), {}, "cannot read"),
    "encrypted parquet": (encrypted, {}, "cannot read"),
    "unreachable": (lambda f: "http://127.0.0.1:9/t.csv", {}, "cannot download http://127.0.0.1:9"),
    "unknown scheme": (lambda f: "gopher://x/t.csv", {}, "cannot download gopher://x/t.csv"),
    # its shape
    "semicolons": (text(GOOD.replace(",", ";")), {}, "expected commas between the columns, got"),
    "tabs": (text(GOOD.replace(",", "\t")), {}, "expected commas between the columns, got tabs"),
    "short row": (edited(4, "1,a"), {}, "line 6: expected 3 cells, as in the header, got 2"),
    "long row": (edited(4, "1,a,no,7"), {}, "line 6: expected 3 cells, as in the header, got 4"),
    "open quote": (edited(57, '1,"a,no'), {}, "a cell that holds a comma needs quotes, and"),
    "header twice": (
        text(GOOD.replace("x,c", "c,c")), {},
        "expected every column name once, got 'c' more than once; rename or remove the copies",
    ),
    "column twice in parquet": (duplicated_in_parquet, {}, "expected every column name once, got"),
    # its labels
    "no target": (text(GOOD), {"target": "Y"}, "no column 'Y' in the data; columns are x, c, y"),
    "near target": (
        text(GOOD.replace(",y\n", ",outcome\n")), {"target": "outcom"},
        "no column 'outcom' in the data; did you mean 'outcome'?",
    ),
    "target dropped": (text(GOOD), {"drop": "y"}, "drop: 'y' is the target and cannot be left out"),
    "one row": (lines("1,a,no"), {}, "expected two classes or more, got ['no'] in 1 rows"),
    "one class": (lines(*["1,a,no"] * 30), {}, "expected two classes or more, got ['no'] in 30"),
    "lonely class": (
        edited(9, "1,a,maybe"), {},
        "expected two rows or more of each class, got one of 'maybe'; remove or merge them",
    ),
    "null labels": (
        edited(9, "1,a,"), {}, "expected a label in every row, got 1 nulls (first data rows [10];"
    ),
    "case of labels": (
        edited(9, "1,a,YES"), {},
        "expected one spelling for each class, got 'YES', 'yes'; spell them alike",
    ),
    "space in labels": (edited(9, "1,a, yes"), {}, "got ' yes', 'yes'; spell them alike"),
    "regression": (
        parquet(z=np.linspace(0, 1, 60)), {"target": "z"},
        "got 60 different decimal numbers; this is a regression target: bin it into classes first",
    ),
    "too many classes": (
        lines(*[f"{i},a,{i % 5000}" for i in range(10_000)]), {},
        "expected at most 1000 classes, got 5000; is it an identifier or a quantity?",
    ),
    "fewer held-out rows than classes": (
        lines(*[f"{i},a,k{i % 10}" for i in range(40)]), {"test_size": 0.1},
        "test_size: 0.1 cannot split 40 rows: The test_size = 4 should be greater or equal to the",
    ),
    "infinite labels": (
        parquet(z=[0.0, np.inf] * 30), {"target": "z"}, "expected finite labels, got inf",
    ),
    "date labels": (
        parquet(z=pd.date_range("2024", periods=60)), {"target": "z"},
        "expected integers, booleans or texts, got datetime64 values",
    ),
    # its features
    "infinite feature": (
        edited(9, "inf,a,no"), {}, "column 'x', data row 10: expected a finite number, got inf"
    ),
    "text among numbers": (
        lines(*[f"{i * 1.5},a,{'no' if i % 2 else 'yes'}" for i in range(59)], "n/k,a,no"), {},
        "column 'x', data row 60: expected a number, as in",
    ),
    "mixed types": (
        parquet(z=pa.array([b"\x00"] * 60).to_pandas()), {},
        "column 'z': expected numbers, booleans, texts or dates, got bytes values such as b'\\x00'",
    ),
    "lists": (parquet(z=[[1, 2]] * 60), {}, "leave it out with -P drop=z"),
    "durations": (parquet(z=pd.to_timedelta(range(60), "s")), {}, "leave it out with -P drop=z"),
    "nothing but nulls": (lines(*[",,no", ",,yes"] * 20), {}, "no usable feature column: expected"),
    "nothing but the target": (text("y\n" + "no\nyes\n" * 20), {}, "no usable feature column"),
    # the parameters
    "test_size 0": (text(GOOD), {"test_size": 0}, "test_size: expected a share between 0 and 1"),
    "test_size 1": (text(GOOD), {"test_size": 1}, "test_size: expected a share between 0 and 1"),
    "test_size nan": (text(GOOD), {"test_size": "nan"}, "share between 0 and 1, got nan"),
    "test_size text": (text(GOOD), {"test_size": "20%"}, "test_size: expected float, got '20%'"),
    "seed negative": (text(GOOD), {"seed": -1}, "seed: expected 0 to 4294967295, got -1"),
    "unknown drop": (text(GOOD), {"drop": "x,z"}, "drop: no column 'z' in the data"),
    "kinds no pair": (text(GOOD), {"kinds": "x"}, "kinds: expected column:kind pairs, got 'x'"),
    "kinds unknown": (text(GOOD), {"kinds": "x:number"}, "kinds: x: expected one of numeric, boo"),
    "kinds column": (text(GOOD), {"kinds": "z:text"}, "kinds: no feature column 'z': expected one"),
    "kinds impossible": (
        text(GOOD), {"kinds": "c:numeric"},
        "kinds: column 'c' holds string values and cannot be numeric: expected categorical or text",
    ),
    "kinds no dates": (
        text(GOOD), {"kinds": "c:datetime"}, "kinds: column 'c': expected ISO 8601 dates"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_data_is_refused_in_one_line_and_leaves_nothing_behind(step, client, tmp_path, name):
    make, params, message = CASES[name]
    outcome = step("train", **{"data": make(tmp_path), "target": "y"} | params)
    assert outcome.status == 1
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert "unexpected" not in line
    (run,) = outcome.runs()
    assert (run.info.status, run.data.tags["failure_reason"]) == ("FAILED", line[len("error: ") :])
    assert client.search_logged_models([outcome.experiment_id]) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(step, tmp_path):
    path = text(GOOD)(tmp_path)
    path.chmod(0)
    assert "Permission denied" in step("train", data=path, target="y").err
