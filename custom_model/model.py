"""The served model, in one self-contained file: this file IS the code inside the artifact.

It imports only what the serving environment holds. ``encode`` turns raw rows into
numbers under the contract; the fitted pipeline (an ONNX graph, or a pickle where
conversion was impossible) turns numbers into probabilities. Training calls the same
``encode``, so there is no second implementation to drift away from it.
"""

import hashlib
import json
import logging
import re
import sys
import uuid
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.environment_variables import MLFLOW_ALLOW_PICKLE_DESERIALIZATION
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel, PythonModelContext

OUTPUTS = ("prediction", "probabilities", "all")
ON_ERROR = ("raise", "null")
DATETIME_PARTS = ("days", "month", "day", "weekday", "hour")
TEXT_BUCKETS = 32
BOOLEANS = {True: 1, False: 0} | {
    text: int(text.lower() == "true")
    for text in ("true", "True", "TRUE", "false", "False", "FALSE")
}
# Probabilities agree with the trained pipeline's to 1e-6, so labels are decided at that
# resolution: what is a tie in float64 stays a tie in float32.
DECISION_DECIMALS = 6

Problem = tuple[int, str, Any]  # row, what was expected, the cell that came

_logger = logging.getLogger("pyfunc_classifier")


def encoded_names(feature: dict[str, Any]) -> list[str]:
    """Name the matrix columns that one feature of the contract becomes.

    Examples
    --------
    >>> encoded_names({"name": "opened", "kind": "datetime"})[:2]
    ['opened:days', 'opened:month']
    """
    name = feature["name"]
    if feature["kind"] == "datetime":
        return [f"{name}:{part}" for part in DATETIME_PARTS]
    if feature["kind"] == "text":
        return [f"{name}:words", *(f"{name}:{bucket}" for bucket in range(TEXT_BUCKETS))]
    return [name]


def encode(frame: pd.DataFrame, contract: dict[str, Any]) -> np.ndarray:
    """Turn raw rows into the matrix that the pipeline reads; every cell must be valid.

    Parameters
    ----------
    frame : DataFrame of n_rows rows
        Holds at least the contract's features, in any order.
    contract : dict
        As made by ``steps.contract.infer_contract``.

    Returns
    -------
    ndarray of shape (n_rows, n_encoded), float32
        See ``encode_rows``.

    Raises
    ------
    MlflowException
        ``INVALID_PARAMETER_VALUE``, naming the column, the row (from 0), what was expected and
        what came.
    """
    matrix, problems = encode_rows(frame, contract)
    if problems:
        raise _refusal(problems[min(problems)])
    return matrix


def encode_rows(
    frame: pd.DataFrame, contract: dict[str, Any], strict: bool = False
) -> tuple[np.ndarray, dict[int, str]]:
    """Turn raw rows into the matrix that the pipeline reads, and say which rows are bad.

    Numbers lose the training median, which keeps their digits in float32; booleans become
    0 or 1, categories their index in the contract (null and unknown have an index of their
    own), datetimes their parts, texts a word count and hashed word counts [1]_. Null is NaN
    everywhere but in a category.

    Parameters
    ----------
    frame : DataFrame of n_rows rows
        Holds at least the contract's features, in any order.
    contract : dict
        As made by ``steps.contract.infer_contract``.
    strict : bool
        Whether an unknown category, or a number outside the range of the training rows, is bad.

    Returns
    -------
    matrix : ndarray of shape (n_rows, n_encoded), float32
    problems : dict of int to str
        Position (from 0) of each bad row -> its first bad cell, in a sentence.

    Raises
    ------
    MlflowException
        ``INVALID_PARAMETER_VALUE`` when a column is missing or given twice.

    References
    ----------
    .. [1] Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
    """
    features = contract["features"]
    _check_columns(frame, [feature["name"] for feature in features])
    stops = np.cumsum([len(encoded_names(feature)) for feature in features])
    matrix = np.empty((len(frame), stops[-1]), dtype=np.float32)
    problems: dict[int, str] = {}
    for feature, block in zip(features, np.split(matrix, stops[:-1], axis=1), strict=True):
        encoder = _ENCODERS[feature["kind"]]
        for row, expected, cell in encoder(frame[feature["name"]], feature, block, strict):
            where = f"column {feature['name']!r}, row {row}"
            problems.setdefault(row, f"{where}: expected {expected}, got {_short(cell)}")
    return matrix, problems


def _check_columns(frame: pd.DataFrame, expected: list[str]) -> None:
    missing = [name for name in expected if name not in frame]
    if missing:
        raise _refusal(f"missing columns {missing}: expected {expected}")
    if not frame.columns.is_unique:
        twice = [name for name in expected if frame[name].ndim > 1]
        if twice:
            raise _refusal(f"columns {twice} are given twice: expected each one once")


def _encode_numeric(
    values: pd.Series, feature: dict[str, Any], out: np.ndarray, strict: bool
) -> Iterator[Problem]:
    if values.dtype.kind in "iuf":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers = np.empty(len(values))
        for row, cell in enumerate(values.tolist()):
            numbers[row] = _number(cell)
            if np.isnan(numbers[row]) and not _is_null(cell):
                yield row, "a number", cell
    with np.errstate(over="ignore", invalid="ignore"):
        out[:, 0] = numbers - feature["center"]
    infinite = np.isinf(out[:, 0])
    out[infinite, 0] = np.nan
    for row in np.flatnonzero(infinite).tolist():
        yield row, "a finite number", float(numbers[row])
    if strict:
        low, high = feature["minimum"], feature["maximum"]
        outside = ~infinite & ((numbers < low) | (numbers > high))
        for row in np.flatnonzero(outside).tolist():
            yield row, f"{low:g} to {high:g}", float(numbers[row])


def _number(cell: Any) -> float:
    """Read a cell that holds a number; NaN for any other."""
    if isinstance(cell, bool | np.bool_) or not hasattr(cell, "__float__"):
        return np.nan
    try:
        return float(cell)
    except (OverflowError, TypeError):  # an integer beyond 1e308; pandas.NA
        return np.nan


def _encode_boolean(
    values: pd.Series, feature: dict[str, Any], out: np.ndarray, strict: bool
) -> Iterator[Problem]:
    cells = values.tolist()
    codes = _look_up(cells, BOOLEANS)
    for row in np.flatnonzero(codes < 0).tolist():
        codes[row] = np.nan
        if not _is_null(cells[row]):
            yield row, "true or false", cells[row]
    out[:, 0] = codes


def _encode_categorical(
    values: pd.Series, feature: dict[str, Any], out: np.ndarray, strict: bool
) -> Iterator[Problem]:
    cells, known = values.tolist(), feature["categories"]
    if feature["type"] == "double":  # a number that stands for a category
        cells = [number_as_text(cell) if isinstance(cell, int | float) else cell for cell in cells]
    codes = _look_up(cells, known)
    for row in np.flatnonzero(codes < 0).tolist():
        null = _is_null(cells[row])
        codes[row] = len(known) + (0 if null else 1)
        if not null and not isinstance(cells[row], str):
            yield row, "text", cells[row]
        elif not null and strict:
            yield row, "a known category", cells[row]
    out[:, 0] = codes


def _look_up(cells: list[Any], table: dict[Any, int]) -> np.ndarray:
    """Find each cell's code; -1 where there is none."""
    return np.array([table.get(cell, -1) if cell.__hash__ else -1 for cell in cells], dtype=float)


def number_as_text(number: float) -> str | None:
    """Name the category that a number stands for; None for NaN.

    Examples
    --------
    >>> number_as_text(7.0), number_as_text(0.5)
    ('7', '0.5')
    """
    if number != number:
        return None
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _encode_datetime(
    values: pd.Series, feature: dict[str, Any], out: np.ndarray, strict: bool
) -> Iterator[Problem]:
    cells = values.tolist()
    dates = [cell if _may_be_date(cell) else None for cell in cells]
    stamps = pd.to_datetime(
        pd.Series(dates, dtype=object), utc=True, format="ISO8601", errors="coerce"
    )
    for row in np.flatnonzero(stamps.isna()).tolist():
        if not _is_null(cells[row]):
            yield row, "an ISO 8601 date or time", cells[row]
    out[:, 0] = days_since_1970(stamps) - feature["center"]
    parts = (stamps.dt.month, stamps.dt.day, stamps.dt.day_of_week, stamps.dt.hour)
    out[:, 1:] = np.column_stack(parts)


def _may_be_date(cell: Any) -> bool:
    """Keep from pandas what it would take for a date: 2020 for nanoseconds, now for the clock."""
    return cell[:4].isdigit() if isinstance(cell, str) else isinstance(cell, date | np.datetime64)


def days_since_1970(stamps: pd.Series) -> np.ndarray:
    """Count days, with fractions, since 1970-01-01 UTC.

    Parameters
    ----------
    stamps : Series of n_rows UTC timestamps
        In any unit and any year that it can hold.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        NaN where a timestamp is null.
    """
    microseconds = stamps.dt.tz_convert(None).to_numpy().astype("datetime64[us]")
    days = microseconds.astype(np.int64) / 86_400_000_000
    return np.where(np.isnat(microseconds), np.nan, days)


def _encode_text(
    values: pd.Series, feature: dict[str, Any], out: np.ndarray, strict: bool
) -> Iterator[Problem]:
    out[:] = 0
    for row, cell in enumerate(values.tolist()):
        if not isinstance(cell, str):
            out[row] = np.nan
            if not _is_null(cell):
                yield row, "text", cell
            continue
        words = re.findall(r"\w+", cell.lower())
        out[row, 0] = len(words)
        for word in words:
            out[row, 1 + zlib.crc32(word.encode("utf-8", "replace")) % TEXT_BUCKETS] += 1


_ENCODERS = {
    "numeric": _encode_numeric,
    "boolean": _encode_boolean,
    "categorical": _encode_categorical,
    "datetime": _encode_datetime,
    "text": _encode_text,
}


def decide(probabilities: np.ndarray, threshold: float | None = None) -> np.ndarray:
    """Choose a class for each row.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes), float
    threshold : float, optional
        Binary problems: the second class is chosen where its probability exceeds it.
        Without it, the most probable class is (the first of equals, as in scikit-learn).

    Returns
    -------
    ndarray of shape (n_rows,), int
        Index of the class.

    Examples
    --------
    >>> decide(np.array([[0.6, 0.4]]), threshold=0.3)
    array([1])
    """
    rounded = np.round(np.asarray(probabilities, dtype=np.float64), DECISION_DECIMALS)
    if threshold is None:
        return rounded.argmax(axis=1)
    return (rounded[:, 1] > threshold).astype(np.int64)


class ClassifierModel(PythonModel):
    """Raw rows in, labels and probabilities out; see ``predict``."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the contract and the pipeline, after checking that neither was altered.

        Raises
        ------
        MlflowException
            When a file differs from its recorded SHA-256, or a pickled pipeline was written by
            another minor version of Python.
        """
        files = {name: Path(path).read_bytes() for name, path in context.artifacts.items()}
        for name, digest in (context.model_config or {}).get("sha256", {}).items():
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise MlflowException(
                    f"{Path(context.artifacts[name]).name} was altered after packaging: "
                    "its SHA-256 is not the recorded one. Download or package the model again."
                )
        self.contract = json.loads(files["contract"])
        load = _load_onnx if context.artifacts["pipeline"].endswith(".onnx") else _load_pickle
        self._probabilities = load(files["pipeline"], self.contract)

    def predict(
        self,
        context: PythonModelContext | None,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Score rows: as many come out as went in, in the same order.

        Parameters
        ----------
        context : PythonModelContext
            Unused: everything was loaded by ``load_context``.
        model_input : DataFrame of n_rows rows
            The contract's features.
        params : dict, optional
            ``output``: ``prediction`` (the label and its probability), ``probabilities`` (one
            column ``probability_<label>`` a class) or ``all``. ``threshold``, for two classes:
            the second label is predicted where its probability exceeds it, 0 to 1. ``strict``:
            refuse unknown categories and numbers outside the training range. ``on_error``:
            ``raise``, or ``null`` to answer bad rows with nulls and the reason in ``error``.

        Returns
        -------
        DataFrame of n_rows rows
            Column ``prediction`` in the label's type, probabilities float64; ``error`` with
            ``on_error=null``.

        Raises
        ------
        MlflowException
            ``INVALID_PARAMETER_VALUE`` for what the caller can mend, ``INTERNAL_ERROR`` (with an
            id that also stands in the log) for a fault of ours.
        """
        try:
            return self._predict(model_input, params or {})
        except MlflowException:
            raise
        except (Exception, SystemExit) as error:  # an exit would end the server
            fault = uuid.uuid4().hex[:12]
            _logger.exception("prediction failed, id %s", fault)
            raise MlflowException(
                f"the model failed on this input; id {fault} in the server's log", INTERNAL_ERROR
            ) from error

    def _predict(self, frame: pd.DataFrame, given: dict[str, Any]) -> pd.DataFrame:
        classes, params = self.contract["classes"], _checked_params(given, self.contract)
        matrix, problems = encode_rows(frame, self.contract, params["strict"])
        if problems and params["on_error"] == "raise":
            raise _refusal(problems[min(problems)])
        scores = self._probabilities(matrix) if len(matrix) else np.empty((0, len(classes)))
        if not np.isfinite(scores).all():
            raise ValueError("the pipeline gave a probability that is no finite number")
        chosen = decide(scores, params["threshold"])
        columns = {}
        if params["output"] != "probabilities":
            columns["prediction"] = np.asarray(classes)[chosen]
            columns["probability"] = scores[np.arange(len(scores)), chosen]
        if params["output"] != "prediction":
            columns |= {f"probability_{label}": scores[:, i] for i, label in enumerate(classes)}
        answer = pd.DataFrame(columns, index=frame.index)
        return _with_errors(answer, problems) if params["on_error"] == "null" else answer


def _with_errors(answer: pd.DataFrame, problems: dict[int, str]) -> pd.DataFrame:
    answer = answer.astype(object)
    answer.iloc[list(problems)] = None
    return answer.assign(
        error=pd.Series([problems.get(i) for i in range(len(answer))], answer.index, dtype=object)
    )


def _checked_params(given: dict[str, Any], contract: dict[str, Any]) -> dict[str, Any]:
    binary = contract["threshold"] is not None
    defaults = {"output": OUTPUTS[0], "strict": False, "on_error": ON_ERROR[0]}
    params = defaults | {"threshold": contract["threshold"]} | given
    threshold = params["threshold"] if binary else None
    valid = {
        "output": (params["output"] in OUTPUTS, f"one of {list(OUTPUTS)}"),
        "on_error": (params["on_error"] in ON_ERROR, f"one of {list(ON_ERROR)}"),
        "strict": (isinstance(params["strict"], bool), "true or false"),
        "threshold": (not binary or _is_share(threshold), "0 to 1"),
    }
    for name, (holds, expected) in valid.items():
        if not holds:
            raise _refusal(f"params.{name}: expected {expected}, got {_short(params[name])}")
    return params | {"threshold": threshold}


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _load_onnx(graph: bytes, contract: dict[str, Any]) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])

    def probabilities(matrix: np.ndarray) -> np.ndarray:
        return session.run(["probabilities"], {"features": matrix})[0].astype(np.float64)

    return probabilities


def _load_pickle(pickled: bytes, contract: dict[str, Any]) -> Any:
    import cloudpickle

    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here != contract["python"]:
        raise MlflowException(
            f"this model was pickled by Python {contract['python']} and cannot be loaded by Python "
            f"{here}: serve it in its own environment (--env-manager uv), or package it again"
        )
    if not MLFLOW_ALLOW_PICKLE_DESERIALIZATION.get():
        raise MlflowException(
            "pipeline.pkl is a pickle and MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false: allow it, "
            "or package a classifier that converts to ONNX"
        )
    pipeline = cloudpickle.loads(pickled)

    def probabilities(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(pipeline.predict_proba(matrix), dtype=np.float64)

    return probabilities


def _is_null(cell: Any) -> bool:
    return (
        cell is None
        or cell is pd.NA
        or cell is pd.NaT
        or (isinstance(cell, float) and cell != cell)
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refusal(message: str) -> MlflowException:
    return MlflowException(message, error_code=INVALID_PARAMETER_VALUE)


mlflow.models.set_model(ClassifierModel())
