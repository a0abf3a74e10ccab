"""The request table: what a real ``mlflow models serve`` of the artifact answers, case by case."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.artifacts import make_artifact
from tests.conftest import ROOT
from tests.own_server import OwnServer, own_server
from tests.serving import Server, serving
from tests.steps.server.conftest import ROW, records
from tests.tables import customers

SPLIT = {"columns": list(ROW), "data": [list(ROW.values())]}
HEADER = ",".join(ROW)
LINE = ",".join(str(value) for value in ROW.values())
HUGE = "1" + "0" * 400
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"


def split(**changes: object) -> str:
    return json.dumps({"dataframe_split": SPLIT | changes})


def cell(column: str, raw: str) -> str:
    """Write a request of one row with one cell given as raw JSON."""
    return records(ROW | {column: "@"}).replace('"@"', raw)


def with_params(raw: str) -> str:
    return records(ROW)[:-1] + f', "params": {raw}}}'


def table(line: str) -> str:
    return f"{HEADER}\n{line}\n"


def parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame([ROW]).to_parquet(file)
    return file.getvalue()


@pytest.fixture(scope="module")
def artifact(tmp_path_factory) -> Path:
    """An artifact with every kind of feature and two classes."""
    return make_artifact(tmp_path_factory.mktemp("customers") / "artifact", customers(), "churn")


@pytest.fixture(scope="module")
def model(artifact: Path) -> mlflow.pyfunc.PyFuncModel:
    return mlflow.pyfunc.load_model(str(artifact))


@pytest.fixture(scope="module")
def server(artifact: Path, serving_python: Path) -> Iterator[Server]:
    with serving(serving_python, artifact) as server:
        yield server


@pytest.fixture(scope="module")
def own(artifact: Path, tmp_path_factory) -> Iterator[OwnServer]:
    """Our own server of the same artifact."""
    with own_server(artifact, tmp_path_factory.mktemp("own")) as own:
        yield own


# name -> body, status, what the message holds (or for 200: how many rows come back)
JSON_CASES: dict[str, tuple[str | bytes, int, str | int]] = {
    # whole requests
    "records": (records(ROW), 200, 1),
    "split": (split(), 200, 1),
    "three rows": (records(ROW, ROW, ROW), 200, 3),
    "instances": (json.dumps({"instances": [ROW]}), 200, 1),
    "inputs of rows": (json.dumps({"inputs": [ROW]}), 200, 1),
    "inputs of columns": (json.dumps({"inputs": {k: [v] for k, v in ROW.items()}}), 200, 1),
    "no rows, split": (split(data=[]), 200, 0),
    "no rows, records": (records(), 400, "Model is missing inputs"),
    "empty row": (records({}), 400, "Model is missing inputs"),
    "empty row beside a full one": (records(ROW, {}), 200, 2),
    "missing column": (
        records({k: v for k, v in ROW.items() if k != "age"}), 400, "missing inputs ['age']",
    ),
    "all columns wrong": (records({"a": 1}), 400, "Note that there were extra inputs: ['a']"),
    "extra column": (records(ROW | {"zzz": 1}), 200, 1),
    "other order": (records(dict(reversed(ROW.items()))), 200, 1),
    "no names": (json.dumps({"dataframe_split": {"data": SPLIT["data"]}}), 400, "missing inputs"),
    "column twice": (
        split(columns=[*ROW, "age"], data=[[*ROW.values(), 1]]), 400, "Failed to enforce schema",
    ),
    "index": (split(index=["a"]), 200, 1),
    "index twice": (split(data=SPLIT["data"] * 2, index=[1, 1]), 200, 2),
    "index too long for two rows": (split(data=SPLIT["data"] * 2, index=[1, 2, 3]), 400, "split"),
    "ragged, longer": (split(data=[[*ROW.values(), 1]]), 400, "8 columns passed"),
    "further key in split": (split(rows=1), 400, "must have 'data' field and optionally"),
    "split is a list": (json.dumps({"dataframe_split": [1]}), 400, "must be a dictionary"),
    "split is null": (json.dumps({"dataframe_split": None}), 400, "must be a dictionary"),
    "records is a dict": (json.dumps({"dataframe_records": ROW}), 400, "must be a list of records"),
    "records is null": (json.dumps({"dataframe_records": None}), 400, "must be a list of records"),
    "records of lists": (records([1, 2]), 400, "missing inputs"),
    "records of numbers": (records(1), 400, "missing inputs"),
    "records of null": (records(None), 400, "missing inputs"),
    "two formats": (
        json.dumps({"dataframe_records": [ROW], "dataframe_split": SPLIT}), 400, "exactly one of",
    ),
    "no format": ("{}", 400, "exactly one of the input fields"),
    "unknown format": (json.dumps({"data": [ROW]}), 400, "exactly one of the input fields"),
    "no instances": (json.dumps({"instances": []}), 400, "missing inputs"),
    "no inputs": (json.dumps({"inputs": {}}), 400, "missing inputs"),
    "inputs is a number": (json.dumps({"inputs": 1}), 400, "missing inputs"),
    "ragged inputs": (
        json.dumps({"inputs": {k: [v] for k, v in ROW.items()} | {"age": [1, 2]}}), 400, "same",
    ),
    "number as body": ("1", 400, "must be a JSON dictionary"),
    "decimal as body": ("1.5", 400, "must be a JSON dictionary"),
    "text as body": ('"x"', 400, "must be a JSON dictionary"),
    "null as body": ("null", 400, "must be a JSON dictionary"),
    "true as body": ("true", 400, "must be a JSON dictionary"),
    "false as body": ("false", 400, "must be a JSON dictionary"),
    "list as body": ("[]", 400, "must be a JSON dictionary"),
    "no body": ("", 400, "valid JSON formatted string"),
    "cut JSON": ('{"dataframe_records": [', 400, "valid JSON formatted string"),
    "single quotes": ("{'dataframe_records': []}", 400, "valid JSON formatted string"),
    "trailing brace": (records(ROW) + "}", 400, "Extra data"),
    "trailing text": (records(ROW) + " x", 400, "Extra data"),
    "invalid UTF-8": (b'{"dataframe_records": "\xff"}', 400, "invalid start byte"),
    "UTF-16": (records(ROW).encode("utf-16"), 200, 1),
    "byte order mark": (b"\xef\xbb\xbf" + records(ROW).encode(), 200, 1),
    "key twice": ('{"dataframe_records": [1],' + records(ROW)[1:], 200, 1),
    # numbers
    "null number": (cell("age", "null"), 200, 1),
    "NaN": (cell("age", "NaN"), 200, 1),
    "integer": (cell("age", "40"), 200, 1),
    "negative": (cell("age", "-1"), 200, 1),
    "2**63": (cell("age", str(2**63)), 200, 1),
    "2**64": (cell("age", str(2**64)), 200, 1),
    "infinity": (cell("age", "Infinity"), 400, "column 'age', row 0: expected a finite number"),
    "minus infinity": (cell("age", "-Infinity"), 400, "expected a finite number, got -inf"),
    "1e999": (cell("age", "1e999"), 400, "column 'age', row 0: expected a finite number, got inf"),
    "1e39": (cell("age", "1e39"), 400, "column 'age', row 0: expected a finite number, got 1e+39"),
    "10**400": (cell("age", HUGE), 400, "float"),
    "text in a number": (cell("age", '"abc"'), 400, "Failed to convert column age"),
    "empty text in a number": (cell("age", '""'), 400, "Failed to convert column age"),
    "list in a number": (cell("age", "[1]"), 400, "Failed to convert column age"),
    "dict in a number": (cell("age", '{"a": 1}'), 400, "Failed to convert column age"),
    "1 MB of text in a number": (cell("age", f'"{"x" * 10**6}"'), 400, "Failed to convert column"),
    "bad number in the second row": (
        records(ROW, ROW | {"age": 1e300}), 400, "column 'age', row 1: expected a finite number",
    ),
    # categories
    "null category": (cell("city", "null"), 200, 1),
    "unknown category": (cell("city", '"Rome"'), 200, 1),
    "empty category": (cell("city", '""'), 200, 1),
    "unicode": (cell("city", '"東京"'), 200, 1),
    "emoji": (cell("city", '"😀"'), 200, 1),
    "control characters": (cell("city", '"\\u0000\\u001b[31m"'), 200, 1),
    "lone surrogate": (cell("city", '"\\ud800"'), 200, 1),
    "1 MB of text": (cell("city", f'"{"x" * 10**6}"'), 200, 1),
    "integer category": (cell("city", "7"), 400, "column 'city', row 0: expected text, got 7"),
    "decimal category": (cell("city", "7.5"), 400, "column 'city', row 0: expected text, got 7.5"),
    "boolean category": (cell("city", "true"), 400, "column 'city', row 0: expected text, got"),
    "list category": (cell("city", "[1]"), 400, "column 'city', row 0: expected text, got [1]"),
    "dict category": (cell("city", '{"a": 1}'), 400, "'city', row 0: expected text, got {'a': 1}"),
    "long list category": (cell("city", f"[{HUGE}]"), 400, "expected text, got [1000"),
    # booleans
    "null boolean": (cell("member", "null"), 200, 1),
    "false": (cell("member", "false"), 200, 1),
    "text true": (cell("member", '"true"'), 200, 1),
    "one": (cell("member", "1"), 200, 1),
    "two": (cell("member", "2"), 400, "column 'member', row 0: expected true or false, got 2"),
    "yes": (cell("member", '"yes"'), 400, "'member', row 0: expected true or false, got 'yes'"),
    "list boolean": (cell("member", "[]"), 400, "'member', row 0: expected true or false, got []"),
    # dates
    "null date": (cell("joined", "null"), 200, 1),
    "date and time": (cell("joined", '"2020-02-02T10:00:00Z"'), 200, 1),
    "date with offset": (cell("joined", '"2020-02-02T10:00:00+02:00"'), 200, 1),
    "no such date": (cell("joined", '"2024-13-45"'), 400, "expected an ISO 8601 date or time, got"),
    "spelled date": (cell("joined", '"2 Feb"'), 400, "'joined', row 0: expected an ISO 8601 date"),
    "empty date": (cell("joined", '""'), 400, "'joined', row 0: expected an ISO 8601 date or time"),
    "number as date": (cell("joined", "20200202"), 400, "'joined', row 0: expected an ISO 8601"),
    "boolean as date": (cell("joined", "true"), 400, "'joined', row 0: expected an ISO 8601 date"),
    "list as date": (cell("joined", "[1]"), 400, "'joined', row 0: expected an ISO 8601 date"),
    "far date": (cell("joined", '"9999-12-31"'), 200, 1),
    # texts
    "null text": (cell("comment", "null"), 200, 1),
    "empty text": (cell("comment", '""'), 200, 1),
    "number as text": (cell("comment", "5"), 400, "column 'comment', row 0: expected text, got 5"),
    "list as text": (cell("comment", "[1]"), 400, "'comment', row 0: expected text, got [1]"),
    "1 MB of words": (cell("comment", f'"{"late " * 200_000}"'), 200, 1),
    # params
    "no params": (with_params("{}"), 200, 1),
    "null params": (with_params("null"), 200, 1),
    "list params": (with_params("[]"), 400, "Parameters must be a dictionary"),
    "text params": (with_params('"x"'), 400, "Parameters must be a dictionary"),
    "output all": (with_params('{"output": "all"}'), 200, 1),
    "output unknown": (
        with_params('{"output": "label"}'), 400,
        "params.output: expected one of ['prediction', 'probabilities', 'all'], got 'label'",
    ),
    "output number": (with_params('{"output": 1}'), 400, "Invalid parameters found"),
    "output null": (with_params('{"output": null}'), 400, "params.output: expected one of"),
    "threshold 0": (with_params('{"threshold": 0}'), 200, 1),
    "threshold 1": (with_params('{"threshold": 1}'), 200, 1),
    "threshold 2": (with_params('{"threshold": 2}'), 400, "params.threshold: expected 0 to 1"),
    "threshold -1": (with_params('{"threshold": -1}'), 400, "params.threshold: expected 0 to 1"),
    "threshold text": (with_params('{"threshold": "0.5"}'), 400, "Invalid parameters found"),
    "threshold true": (with_params('{"threshold": true}'), 400, "Invalid parameters found"),
    "threshold null": (with_params('{"threshold": null}'), 400, "expected 0 to 1, got None"),
    "threshold NaN": (with_params('{"threshold": NaN}'), 400, "expected 0 to 1, got nan"),
    "threshold inf": (with_params('{"threshold": 1e999}'), 400, "expected 0 to 1, got inf"),
    "threshold list": (with_params('{"threshold": [0.5]}'), 400, "Invalid parameters found"),
    "strict text": (with_params('{"strict": "yes"}'), 400, "Invalid parameters found"),
    "strict null": (with_params('{"strict": null}'), 400, "expected true or false, got None"),
    "on_error unknown": (with_params('{"on_error": "skip"}'), 400, "expected one of ['raise'"),
    "strict, all known": (with_params('{"strict": true}'), 200, 1),
    "strict, unknown category": (
        records(ROW | {"city": "Rome"}, params={"strict": True}), 400,
        "column 'city', row 0: expected a known category, got 'Rome'",
    ),
    "strict, out of range": (
        records(ROW, ROW | {"age": 1000}, params={"strict": True}), 400,
        "column 'age', row 1: expected 18 to 89, got 1000.0",
    ),
}  # fmt: skip

OTHER_CASES: dict[str, tuple[str | bytes, str, int, str | int]] = {
    "csv": (table(LINE), CSV, 200, 1),
    "csv of nulls": (table("," * 7), CSV, 200, 1),
    "csv without rows": (HEADER + "\n", CSV, 200, 0),
    "csv with other columns": ("a,b\n1,2\n", CSV, 400, "missing inputs"),
    "csv with infinity": (table(LINE.replace("40.0", "inf")), CSV, 400, "expected a finite number"),
    "csv that is not UTF-8": (b"\xff\xfe", CSV, 400, "valid UTF-8"),
    "csv with semicolons": (table(LINE).replace(",", ";"), CSV, 400, "missing inputs"),
    "csv with a bad boolean": (table(LINE.replace("True", "yes")), CSV, 400, "got 'yes'"),
    "csv with a bad date": (table(LINE.replace("2020", "soon")), CSV, 400, "an ISO 8601 date"),
    "csv with a number as category": (table(LINE.replace("Oslo", "12")), CSV, 200, 1),
    "parquet by another name": (b"PAR1", "application/x-parquet", 415, "content types"),
    "text": (records(ROW), "text/plain", 415, "only supports the following content types"),
    "xml": ("<x/>", "application/xml", 415, "only supports the following content types"),
    "no content type": (records(ROW), "", 415, "only supports the following content types"),
    "upper case": (records(ROW), "APPLICATION/JSON", 415, "only supports the following"),
    "utf-8": (records(ROW), "application/json; charset=utf-8", 200, 1),
    "latin-1": (records(ROW), "application/json; charset=latin-1", 415, "only supports UTF-8"),
    "further parameter": (records(ROW), "application/json; a=b", 415, "Unrecognized content type"),
}  # fmt: skip

# what MLflow's server or pandas decides before our code runs: listed in docs/serving.md
MLFLOWS_OWN: dict[str, tuple[str | bytes, str, int, str | int]] = {
    "numeric text in a number": (cell("age", '"40"'), JSON, 200, 1),
    "boolean in a number": (cell("age", "true"), JSON, 200, 1),
    "index longer than the one row": (split(index=[1, 2, 3]), JSON, 200, 3),
    "ragged, shorter": (split(data=[list(ROW.values()), [1]]), JSON, 200, 2),
    "unknown param": (with_params('{"nope": 1}'), JSON, 200, 1),
    "deep nesting": ("[" * 100_000, JSON, 500, "Internal Server Error"),
    "csv with a short row": (table("1,2"), CSV, 200, 1),
    "empty csv": ("", CSV, 400, "No columns to parse from file"),
    "csv with a long row": (table(LINE + ",9"), CSV, 400, "could not convert string to float"),
    "csv with text in a number": (table(LINE.replace("40.0", "x")), CSV, 400, "could not convert"),
    "csv with an open quote": (table('"' + LINE), CSV, 400, "EOF inside string"),
    "parquet": (parquet(), PARQUET, 400, "valid Parquet"),
    "garbage parquet": (b"PAR1garbage", PARQUET, 400, "valid Parquet"),
    "empty parquet": (b"", PARQUET, 400, "valid Parquet"),
}  # fmt: skip


# what our own server answers otherwise, and better: listed in docs/serving.md
IN_COLUMNS = {name: [value] for name, value in ROW.items()}
OWN: dict[str, tuple[str | bytes, str, int, str | int]] = {
    "index longer than the one row": (
        split(index=[1, 2, 3]), JSON, 400, "dataframe_split: expected an index of 1 entries",
    ),
    "ragged, shorter": (
        split(data=[list(ROW.values()), [1]]), JSON, 400, "row 1: expected 8 cells, as there are",
    ),
    "unknown param": (with_params('{"nope": 1}'), JSON, 400, "params: expected some of ['output'"),
    "deep nesting": ("[" * 100_000, JSON, 400, "body: nested too deeply"),
    "csv with a short row": (table("1,2"), CSV, 400, "line 2: expected 8 cells, as in the header"),
    "parquet": (parquet(), PARQUET, 200, 1),
    "null text in inputs": (
        json.dumps({"inputs": IN_COLUMNS | {"city": [None]}, "params": {"strict": True}}), JSON,
        200, 1,
    ),
    "number as text in inputs": (
        json.dumps({"inputs": IN_COLUMNS | {"city": [7]}}), JSON, 400,
        "column 'city', row 0: expected text, got 7",
    ),
    "columns in instances": (
        json.dumps({"instances": IN_COLUMNS}), JSON, 400,
        "instances: expected a list of objects, got an object",
    ),
    "cut row in instances": (
        json.dumps({"instances": [ROW, {}]}), JSON, 400, "instances: row 1: missing columns ['age'",
    ),
}  # fmt: skip


def check(answer: tuple[int, str], status: int, expected: str | int) -> None:
    """Check status, rows or message, and that nothing leaks."""
    given, body = answer
    assert given == status, body[:500]
    if status != 200:
        message = json.loads(body)["message"] if body.startswith("{") else body
        assert str(expected) in message
        return
    rows = strict_json(body)["predictions"]
    assert len(rows) == expected
    for row in rows:
        scores = [value for name, value in row.items() if name.startswith("probability")]
        assert all(0 <= score <= 1 for score in scores)
        assert row["prediction"] in (0, 1)


def leaks(body: str) -> list[str]:
    """Find traces of stacks and files in a body."""
    return re.findall(r"Traceback|site-packages|\.py\b|/(?:tmp|root|home)/|File \"", body)


def strict_json(body: str) -> dict:
    """Read JSON that holds neither NaN nor Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in an answer")

    return json.loads(body, parse_constant=refuse)


@pytest.mark.parametrize("name", JSON_CASES)
def test_a_json_request_gets_its_status_and_a_readable_body(server, name):
    body, status, expected = JSON_CASES[name]
    answer = server.ask(body)
    check(answer, status, expected)
    assert leaks(answer[1]) == []


@pytest.mark.parametrize("name", OTHER_CASES)
def test_a_request_of_another_type_gets_its_status_and_a_readable_body(server, name):
    body, content_type, status, expected = OTHER_CASES[name]
    answer = server.ask(body, content_type)
    check(answer, status, expected)
    assert leaks(answer[1]) == []


@pytest.mark.parametrize("name", MLFLOWS_OWN)
def test_what_mlflow_decides_before_our_code_is_as_documented(server, name):
    body, content_type, status, expected = MLFLOWS_OWN[name]
    check(server.ask(body, content_type), status, expected)
    assert f"| {name} |" in (ROOT / "docs" / "serving.md").read_text()


ALL_CASES = (
    {name: (body, JSON) for name, (body, *_) in JSON_CASES.items()}
    | {name: case[:2] for name, case in (OTHER_CASES | MLFLOWS_OWN).items()}
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(ALL_CASES.keys() - OWN.keys()))
def test_our_own_server_answers_as_mlflows_does(server, own, name):
    body, content_type = ALL_CASES[name]
    theirs, ours = server.ask(body, content_type), own.ask(body, content_type)
    assert ours.status == theirs[0], ours.text
    if ours.status == 200:
        assert strict_json(ours.text) == strict_json(theirs[1])
    else:
        assert set(json.loads(ours.text)) == {"error_code", "message"}
        assert "\n" not in ours.message
        assert leaks(ours.text) == []


@pytest.mark.parametrize("name", OWN)
def test_what_our_own_server_answers_otherwise_is_documented(server, own, name):
    body, content_type, status, expected = OWN[name]
    ours = own.ask(body, content_type)
    check((ours.status, ours.text), status, expected)
    assert server.ask(body, content_type) != (ours.status, ours.text)
    own_part = (ROOT / "docs" / "serving.md").read_text().partition("## Our own server")[2]
    assert f"| {name} |" in own_part


def test_text_in_a_number_costs_our_own_server_no_other_row(server, own):
    request = records(ROW, ROW | {"age": "old"}, params={"on_error": "null"})
    assert server.ask(request)[0] == 400
    good, bad = own.ask(request).predictions
    assert (good["prediction"], good["error"]) == (0, None)
    assert bad["error"] == "column 'age', row 1: expected a number, got 'old'"


def test_at_least_120_requests_stand_in_the_table():
    assert len(JSON_CASES) + len(OTHER_CASES) + len(MLFLOWS_OWN) >= 120


def test_bad_rows_are_answered_with_null_and_the_reason_when_asked_for(server):
    rows = [ROW, ROW | {"member": "maybe"}, ROW | {"city": 5}]
    status, body = server.ask(records(*rows, params={"on_error": "null", "output": "all"}))
    good, maybe, five = strict_json(body)["predictions"]
    assert status == 200
    assert (good["prediction"], good["error"]) == (0, None)
    nulls = dict.fromkeys(["prediction", "probability", "probability_0", "probability_1"])
    assert maybe == nulls | {"error": "column 'member', row 1: expected true or false, got 'maybe'"}
    assert five == nulls | {"error": "column 'city', row 2: expected text, got 5"}


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=20),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.none()),
)  # fmt: skip
GOOD = {
    "double": st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-1000, 1000)),
    "string": st.one_of(st.none(), st.text(max_size=20)),
}


def rows_of(columns: list[tuple[str, str]]) -> st.SearchStrategy[list[dict]]:
    """Generate rows from a signature: mostly of its types, with a junk cell now and then."""
    cells = {
        name: st.integers(0, 9).flatmap(lambda die, kind=kind: JUNK if die == 0 else GOOD[kind])
        for name, kind in columns
    }
    return st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=4)


@pytest.mark.parametrize("n_requests", [400, pytest.param(2000, marks=pytest.mark.slow)])
def test_generated_requests_get_400_or_the_answers_of_the_loaded_model_from_both_servers(
    server, own, artifact, model, n_requests
):
    inputs = mlflow.models.Model.load(str(artifact)).signature.inputs
    columns = [(spec.name, spec.type.name) for spec in inputs]
    statuses: list[int] = []

    @settings(
        max_examples=n_requests, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(rows_of(columns), st.sampled_from(["raise", "null"]))
    def ask(rows: list[dict], on_error: str) -> None:
        request = records(*rows, params={"on_error": on_error})
        status, body = server.ask(request)
        statuses.append(status)
        ours = own.ask(request)
        # MLflow casts before the model can put a bad row's reason beside it
        assert ours.status == status or (ours.status, on_error) == (200, "null"), ours.text
        if status == 200 and on_error == "raise":
            assert strict_json(ours.text) == strict_json(body)
        assert status in (200, 400), body
        assert "Traceback" not in body
        if status == 200:
            frame = pd.DataFrame(rows, dtype=object)
            numbers = {name: float for name, kind in columns if kind == "double"}
            expected = model.predict(frame.astype(numbers), params={"on_error": on_error})
            answers = pd.DataFrame(strict_json(body)["predictions"], dtype=object)
            if (
                on_error == "null"
            ):  # pandas reads [null, 0] as [NaN, 0.0], so the wording may differ
                for frame in (answers, expected):
                    frame["error"] = frame["error"].notna()
            assert answers.to_dict("records") == expected.to_dict("records")

    ask()
    assert len(statuses) >= n_requests
    assert {200, 400} == set(statuses)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    frame = customers(200, seed=1).drop(columns="churn")
    return frame.astype({name: float for name in frame.select_dtypes("integer")})


def test_a_row_scored_alone_equals_the_same_row_in_a_batch(model, rows):
    batch = model.predict(rows, params={"output": "all"})
    alone = [model.predict(rows.iloc[[i]], params={"output": "all"}) for i in range(len(rows))]
    together = pd.concat(alone)
    assert together["prediction"].tolist() == batch["prediction"].tolist()
    scores = [name for name in batch if name != "prediction"]
    assert np.abs(together[scores].to_numpy() - batch[scores].to_numpy()).max() <= 1e-12


def test_the_server_answers_as_the_loaded_model_in_any_column_order(server, model, rows):
    expected = model.predict(rows)
    body = json.dumps(
        {"dataframe_records": json.loads(rows[rows.columns[::-1]].to_json(orient="records"))}
    )
    answers = pd.DataFrame(strict_json(server.ask(body)[1])["predictions"])
    assert answers["prediction"].tolist() == expected["prediction"].tolist()
    given = answers["probability"].to_numpy()
    assert np.abs(given - expected["probability"].to_numpy()).max() <= 1e-12


def test_integer_and_decimal_json_numbers_are_answered_alike(server):
    integers, decimals = ROW | {"age": 40, "visits": 3}, ROW | {"age": 40.0, "visits": 3.0}
    answers = [strict_json(server.ask(records(row))[1]) for row in (integers, decimals)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("dtype", ["object", "string", "string[pyarrow]"])
def test_a_string_dtype_that_mlflow_lets_through_gives_the_same_answers(model, rows, dtype):
    changed = rows.astype({"city": dtype, "plan": dtype, "comment": dtype})
    pd.testing.assert_frame_equal(model.predict(changed), model.predict(rows))


@pytest.mark.parametrize("dtype", ["float32", "int32", "Float64"])
def test_a_number_dtype_that_mlflow_lets_through_gives_the_same_answers(model, rows, dtype):
    changed = rows.astype({"visits": dtype})
    pd.testing.assert_frame_equal(model.predict(changed), model.predict(rows))


def test_two_threads_at_once_get_right_answers(model, rows):
    parts = [rows.iloc[i : i + 20] for i in range(0, 200, 20)] * 10
    expected = [model.predict(part) for part in parts]
    with ThreadPoolExecutor(2) as pool:
        for got, wanted in zip(pool.map(model.predict, parts), expected, strict=True):
            pd.testing.assert_frame_equal(got, wanted)


@pytest.mark.parametrize("n_bits", [20, pytest.param(150, marks=pytest.mark.slow)])
def test_flipped_bits_are_all_refused_by_the_name_of_the_file(artifact, tmp_path, n_bits):
    shutil.copytree(artifact, tmp_path / "copy")
    rng = np.random.default_rng(0)
    for path in (tmp_path / "copy" / "artifacts").iterdir():
        good = path.read_bytes()
        for position, bit in zip(
            rng.integers(len(good), size=n_bits), rng.integers(8, size=n_bits), strict=True
        ):
            flipped = bytearray(good)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            with pytest.raises(mlflow.MlflowException, match=f"{path.name} was altered"):
                mlflow.pyfunc.load_model(str(tmp_path / "copy"))
        path.write_bytes(good)
