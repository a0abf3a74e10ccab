"""Columns that are carried over, and folders, through the whole step."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.tables import customers

MODEL = "models:/pyfunc-classifier/1"
PENGUINS = pd.read_csv(ROOT / "data" / "penguins.csv").drop(columns="species")


@pytest.fixture
def score(step, happy, tmp_path):
    """Score a table into tmp_path/s.parquet, unless told otherwise."""

    def run(source, **params: object):
        defaults = {"model_uri": MODEL, "output": tmp_path / "s.parquet"}
        return step("score", input=source, **(defaults | params))

    return run


def with_ids(n_rows: int = 20) -> pd.DataFrame:
    frame = PENGUINS.head(n_rows)
    codes = ["007", "NA", "", " x ", "null"] * (n_rows // 5)
    return frame.assign(code=codes, when=pd.Timestamp("2024-01-01 10:00"))


def test_ids_of_a_csv_file_are_the_texts_that_stand_there(score, tmp_path):
    with_ids().to_csv(tmp_path / "in.csv", index=False)
    assert score(tmp_path / "in.csv", id="code,when").status == 0
    scores = pd.read_parquet(tmp_path / "s.parquet")
    assert list(scores)[:4] == ["row", "code", "when", "prediction"]
    assert scores["code"].tolist() == with_ids()["code"].tolist()


def test_ids_of_parquet_keep_their_types(score, tmp_path):
    table = pa.Table.from_pandas(with_ids(), preserve_index=False)
    table = table.append_column("day", pa.array([1] * 20, pa.date32()))
    pq.write_table(table, tmp_path / "in.parquet")
    table = pq.read_table(tmp_path / "in.parquet")  # parquet has no timestamp of whole seconds
    assert score(tmp_path / "in.parquet", id="code,when,day").status == 0
    scores = pq.read_table(tmp_path / "s.parquet")
    for name in ("code", "when", "day"):
        assert scores[name].type == table[name].type
        assert scores[name].to_pylist() == table[name].to_pylist()


def test_a_bad_row_keeps_its_id(score, tmp_path):
    frame = with_ids().astype({"body_mass_g": object})
    frame.loc[3, "body_mass_g"] = "heavy"
    lines = frame.to_csv(index=False).splitlines()
    (tmp_path / "in.csv").write_text("\n".join([*lines, "short,row"]))
    assert score(tmp_path / "in.csv", id="code").status == 0
    bad = pd.read_parquet(tmp_path / "s.bad.parquet")
    assert bad["row"].tolist() == [3, 20]
    assert bad["code"].tolist()[0] == " x "
    assert bad["code"].isna().tolist() == [False, True]  # a ragged row has no columns


def test_a_feature_may_be_an_id_too(score, tmp_path):
    PENGUINS.to_csv(tmp_path / "in.csv", index=False)
    assert score(tmp_path / "in.csv", id="island,sex").status == 0
    scores = pd.read_parquet(tmp_path / "s.parquet")
    assert scores["island"].tolist() == PENGUINS["island"].tolist()


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"id": "code,nope"}, "id: expected columns of {}/in.csv, got ['nope'], which it lacks"),
        ({"id": "row"}, "id: expected columns of other names than the answers' own, got ['row']"),
        ({"id": "error"}, "than the answers' own, got ['error']; rename them in the input"),
        ({"id": "probability_Gentoo"}, "than the answers' own, got ['probability_Gentoo']"),
        ({"engine": "ray"}, "engine: expected one of local, spark, got 'ray'"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(score, tmp_path, params, reason):
    taken = {"row": 1, "error": "x", "probability_Gentoo": 1}
    with_ids().assign(**taken).to_csv(tmp_path / "in.csv", index=False)
    outcome = score(tmp_path / "in.csv", **params)
    assert (outcome.status, len(outcome.err.splitlines())) == (1, 1)
    assert reason.format(tmp_path) in outcome.err


def test_ids_of_different_types_in_two_files_are_refused(score, tmp_path):
    (tmp_path / "in").mkdir()
    PENGUINS.assign(key=1).to_parquet(tmp_path / "in" / "a.parquet")
    PENGUINS.assign(key="1").to_parquet(tmp_path / "in" / "b.parquet")
    outcome = score(tmp_path / "in", id="key")
    assert "id: expected column 'key' to be of one type in all files, got int64" in outcome.err


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_a_folder_is_scored_as_one_table(score, tmp_path, ending):
    (tmp_path / "in").mkdir()
    whole = pd.concat([PENGUINS] * 3, ignore_index=True).assign(key=range(3 * len(PENGUINS)))
    for i, part in enumerate((whole[:400], whole[400:401], whole[401:])):
        path = tmp_path / "in" / f"part-{i}.{ending}"
        part.to_parquet(path) if ending == "parquet" else part.to_csv(path, index=False)
    score(tmp_path / "in", id="key")
    whole.to_csv(tmp_path / "whole.csv", index=False)
    score(tmp_path / "whole.csv", id="key", output=tmp_path / "w.parquet")
    in_parts = pd.read_parquet(tmp_path / "s.parquet").astype({"key": int})
    of_the_whole = pd.read_parquet(tmp_path / "w.parquet").astype({"key": int})
    pd.testing.assert_frame_equal(in_parts, of_the_whole)


def test_an_output_in_the_folder_that_is_read_is_refused(score, tmp_path):
    (tmp_path / "in").mkdir()
    PENGUINS.to_csv(tmp_path / "in" / "a.csv", index=False)
    outcome = score(tmp_path / "in", output=tmp_path / "in" / "s.csv")
    assert "output: expected a file outside the input's folder, got" in outcome.err


def test_a_bad_file_in_a_folder_is_named(score, tmp_path):
    (tmp_path / "in").mkdir()
    PENGUINS.to_csv(tmp_path / "in" / "a.csv", index=False)
    (tmp_path / "in" / "b.csv").write_bytes(PENGUINS.to_csv(index=False).encode() + b'1,"')
    outcome = score(tmp_path / "in")
    assert f"{tmp_path}/in/b.csv: row 344: expected an end to every quote" in outcome.err
    assert not (tmp_path / "s.parquet").exists()


def test_a_folder_without_a_needed_column_is_refused_by_the_file(score, tmp_path):
    (tmp_path / "in").mkdir()
    customers(5).to_csv(tmp_path / "in" / "a.csv", index=False)
    outcome = score(tmp_path / "in")
    assert f"input: {tmp_path}/in/a.csv: missing columns ['island'," in outcome.err
