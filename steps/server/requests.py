"""From the body of a request to rows of cells, in the protocol of ``mlflow models serve``."""

import json
from typing import Any, NamedTuple

import msgspec

from steps.server.errors import RequestError, check_count, kind_of
from steps.server.formats import READERS, Rows

JSON, CSV = "application/json", "text/csv"
PARQUET = "application/vnd.apache.parquet"
_decode = msgspec.json.Decoder().decode


class Query(NamedTuple):
    """What a request asks."""

    rows: Rows
    params: dict[str, Any]


def read_query(body: bytes, content_type: str, names: list[str], max_rows: int) -> Query:
    """Read a request.

    Parameters
    ----------
    body : bytes
    content_type : str
    names : list of str
        The model's features.
    max_rows : int

    Returns
    -------
    Query

    Raises
    ------
    RequestError
        With 415 for a content type that is not known, 413 for too many rows, else 400.
    """
    if content_type == JSON or _media_type(content_type) == JSON:
        query = _read_json(body, names)
        check_count(len(query.rows), max_rows)
        return query
    from steps.server.tables import read_csv, read_parquet  # pandas and pyarrow, for those alone

    read = read_csv if _media_type(content_type) == CSV else read_parquet
    return Query(read(body, names, max_rows), {})


def _media_type(content_type: str) -> str:
    media_type, *parameters = [part.strip() for part in content_type.split(";")]
    if media_type not in (JSON, CSV, PARQUET):
        expected = f"{JSON}, {CSV} or {PARQUET}"
        raise RequestError(f"Content-Type: expected {expected}, got {media_type!r:.80}", 415)
    for parameter in parameters:
        if parameter.lower() != "charset=utf-8":
            raise RequestError(
                f"Content-Type: expected charset=utf-8 or no parameter, got {parameter!r:.80}", 415
            )
    return media_type


def _read_json(body: bytes, names: list[str]) -> Query:
    parsed = _parse(body)
    if type(parsed) is not dict:
        raise RequestError(f"body: expected a JSON object, got {kind_of(parsed)}")
    params = parsed.get("params")
    if params is not None and type(params) is not dict:
        raise RequestError(f"params: expected a JSON object, got {kind_of(params)}")
    given = [name for name in READERS if name in parsed]
    if len(given) != 1:
        came = f"{given or list(parsed)!r:.200}"
        raise RequestError(f"body: expected exactly one of {', '.join(READERS)}, got {came}")
    return Query(READERS[given[0]](parsed[given[0]], names), params or {})


def _parse(body: bytes) -> Any:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:  # what MLflow takes besides: NaN, UTF-16, a byte order mark, lone surrogates
        return json.loads(body)
    except RecursionError:
        raise RequestError("body: nested too deeply") from None
    except ValueError as error:
        raise RequestError(f"body: expected JSON, got something else: {error}") from None
