"""What a raw row means and what it is worth: cells in, labels and probabilities out.

This file travels in the artifact and runs there. It needs numpy and what loads the pipeline; no
MLflow, whose import takes seconds, and no pandas but for dates in an unusual form. ``encode`` turns
raw rows into numbers under the contract; the fitted pipeline (an ONNX graph, or a pickle where
conversion was impossible) turns numbers into probabilities. Training calls the same ``encode``,
so there is no second implementation to drift away from it.
"""

import functools
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

import numpy as np

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
LARGEST = float(np.finfo(np.float32).max)
FEW_ROWS = 64
CHUNK_ROWS = 16_384  # at least, for a thread of its own
MICROSECONDS = 86_400_000_000.0  # a day
NAN = float("nan")


class InputError(ValueError):
    """A caller sent what cannot be answered: says what was expected and what came."""


class CellError(ValueError):
    """A cell that its column cannot hold."""

    def __init__(self, expected: str, cell: Any) -> None:
        super().__init__(f"expected {expected}, got {_short(cell)}")


class Coded(NamedTuple):
    """A column of few different cells."""

    codes: np.ndarray  # of shape (n_rows,), int: which cell stands in each row, -1 for null
    cells: list[Any]


Cells = list[Any] | np.ndarray | Coded  # a column
Encoded = tuple[np.ndarray, dict[int, str]]  # the matrix; row -> what is wrong with it


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


class _Coder:
    """Turns the cells of one feature into numbers."""

    nothing: Any = NAN  # what a null becomes

    def __init__(self, feature: dict[str, Any]) -> None:
        self.width = len(encoded_names(feature))
        self.invalid = self.nothing

    def encode(self, cell: Any, strict: bool) -> Any:
        """Encode one cell: a number, or a list of ``width`` numbers."""
        raise NotImplementedError

    def encode_column(self, cells: Cells, out: np.ndarray, strict: bool) -> dict[int, str]:
        """Encode a column; returns what is wrong with its bad cells, by row."""
        if isinstance(cells, Coded):
            each = np.empty((len(cells.cells) + 1, self.width), dtype=np.float32)
            bad = self.encode_cells([*cells.cells, None], each, strict)
            out[:] = each[cells.codes]
            rows = {code: np.flatnonzero(cells.codes == code).tolist() for code in bad}
            return {row: why for code, why in bad.items() for row in rows[code]}
        return self.encode_cells(cells if isinstance(cells, list) else cells.tolist(), out, strict)

    def encode_cells(self, cells: list[Any], out: np.ndarray, strict: bool) -> dict[int, str]:
        """Encode one cell after the other."""
        values, bad = [], {}
        for row, cell in enumerate(cells):
            try:
                values.append(self.encode(cell, strict))
            except CellError as error:
                bad[row] = str(error)
                values.append(self.invalid)
        out[:] = np.asarray(values, dtype=np.float32).reshape(out.shape)
        return bad


class _Numeric(_Coder):
    def __init__(self, feature: dict[str, Any]) -> None:
        super().__init__(feature)
        self.center, self.range = feature["center"], (feature["minimum"], feature["maximum"])

    def encode(self, cell: Any, strict: bool) -> float:
        number = cell if type(cell) is float else _number(cell)
        value = number - self.center
        if -LARGEST <= value <= LARGEST:
            if strict and not self.range[0] <= number <= self.range[1]:
                raise CellError("{:g} to {:g}".format(*self.range), number)
            return value
        if value != value:
            return NAN
        raise CellError("a finite number", number)

    def encode_column(self, cells: Cells, out: np.ndarray, strict: bool) -> dict[int, str]:
        if not isinstance(cells, np.ndarray) or cells.dtype != np.float64:
            return super().encode_column(cells, out, strict)
        values = cells - self.center
        suspect = np.abs(values) > LARGEST
        if strict:
            suspect |= (cells < self.range[0]) | (cells > self.range[1])
        if not suspect.any():
            out[:, 0] = values
            return {}
        return self.encode_cells(cells.tolist(), out, strict)


def _number(cell: Any) -> float:
    if _is_null(cell):
        return NAN
    if isinstance(cell, bool | np.bool_) or not hasattr(cell, "__float__"):
        raise CellError("a number", cell)
    try:
        return float(cell)
    except (OverflowError, TypeError):  # an integer beyond 1e308
        raise CellError("a number", cell) from None


class _Boolean(_Coder):
    def encode(self, cell: Any, strict: bool) -> float:
        code = BOOLEANS.get(cell) if cell.__hash__ else None
        if code is not None:
            return code
        if _is_null(cell):
            return NAN
        raise CellError("true or false", cell)


class _Categorical(_Coder):
    def __init__(self, feature: dict[str, Any]) -> None:
        super().__init__(feature)
        self.codes, self.numbers = feature["categories"], feature["type"] == "double"
        self.nothing, self.unknown = len(self.codes), len(self.codes) + 1
        self.invalid = self.unknown

    def encode(self, cell: Any, strict: bool) -> float:
        if self.numbers:  # that stand for categories: 7.0 for "7", and no text for one
            cell = number_as_text(_number(cell))
        if isinstance(cell, str):
            code = self.codes.get(cell, self.unknown)
            if strict and code == self.unknown:
                raise CellError("a known category", cell)
            return code
        if _is_null(cell):
            return self.nothing
        raise CellError("text", cell)


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


class _Datetime(_Coder):
    nothing = (NAN,) * len(DATETIME_PARTS)

    def __init__(self, feature: dict[str, Any]) -> None:
        super().__init__(feature)
        self.center = feature["center"]

    def encode(self, cell: Any, strict: bool) -> Sequence[float]:
        moment = _moment(cell)
        if moment is None:  # null, invalid, or in a form that only pandas reads
            out = np.empty((1, self.width), dtype=np.float32)
            for why in self.encode_cells([cell], out, strict).values():
                raise _SaidError(why)
            return out[0].tolist()
        return self._parts(moment)

    def _parts(self, moment: datetime) -> Sequence[float]:
        days = (moment - EPOCH) // timedelta(microseconds=1) / MICROSECONDS
        return days - self.center, moment.month, moment.day, moment.weekday(), moment.hour

    def encode_cells(self, cells: list[Any], out: np.ndarray, strict: bool) -> dict[int, str]:
        out[:] = NAN
        waiting = [row for row, cell in enumerate(cells) if _may_be_date(cell)]
        while waiting:  # a nanosecond in one cell would bar the others from the far past and future
            found = _stamps([cells[row] for row in waiting])
            read = found.notna().to_numpy()
            if not read.any():
                break
            rows, found = np.array(waiting)[read], found[read]
            out[rows, 0] = days_since_1970(found) - self.center
            parts = (found.dt.month, found.dt.day, found.dt.day_of_week, found.dt.hour)
            out[rows, 1:] = np.column_stack(parts)
            waiting = [row for row, done in zip(waiting, read, strict=True) if not done]
        for row in waiting:  # pandas 2 holds the years 1678 to 2261 only
            moment = _moment(str(cells[row]))
            if moment is not None:
                out[row] = self._parts(moment)
        missing = np.flatnonzero(np.isnan(out[:, 0])).tolist()
        return {
            row: str(CellError("an ISO 8601 date or time", cells[row]))
            for row in missing
            if not _is_null(cells[row])
        }


class _SaidError(CellError):
    """What was said of a cell already."""

    def __init__(self, why: str) -> None:
        ValueError.__init__(self, why)


UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"\d[T ].*[Z+-]").search
_USUAL = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{3}(\d{3})?)?)?(Z|[+-]\d\d:[0-5]\d)?)?", re.ASCII
).fullmatch


def _moment(cell: Any) -> datetime | None:
    """Read a date in its usual forms; pandas, which reads every form, takes long for one."""
    if type(cell) is not str or not _USUAL(cell):
        return None
    try:
        moment = datetime.fromisoformat(cell.replace("Z", "+00:00"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def stamps(cells: Any, errors: str = "raise") -> Any:
    """Read dates and times as UTC timestamps.

    Parameters
    ----------
    cells : Series of n_rows
        ISO 8601 texts, dates or timestamps.
    errors : {"raise", "coerce"}, default "raise"
        What becomes of any other cell, as of ``pandas.to_datetime``.

    Returns
    -------
    Series of n_rows UTC timestamps
        Null where there is none.

    Raises
    ------
    ValueError
        If a cell is neither, nor null, unless that is coerced to null.
    """
    import pandas as pd

    read: Any = functools.partial(pd.to_datetime, utc=True, format="ISO8601", errors=errors)
    if int(pd.__version__.split(".")[0]) >= 3:
        return read(cells)
    # pandas 2 reads a time without an offset in that of the text before it
    offset = np.array([isinstance(cell, str) and bool(_OFFSET(cell)) for cell in cells], bool)
    parts = np.flatnonzero(offset), np.flatnonzero(~offset)
    found = pd.concat([read(cells.iloc[rows]) for rows in parts])
    return found.iloc[np.argsort(np.concatenate(parts))]


def _stamps(cells: list[Any]) -> Any:
    import pandas as pd

    # pandas 2 fails on a text of numpy, such as MLflow makes of the JSON key "inputs"
    plain = [str(cell) if isinstance(cell, str) else cell for cell in cells]
    return stamps(pd.Series(plain, dtype=object), "coerce")


def _may_be_date(cell: Any) -> bool:
    """Keep from pandas what it would take for a date: 2020 for nanoseconds, now for the clock."""
    return cell[:4].isdigit() if isinstance(cell, str) else isinstance(cell, date | np.datetime64)


def days_since_1970(stamps: Any) -> np.ndarray:
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
    days = microseconds.astype(np.int64) / MICROSECONDS
    return np.where(np.isnat(microseconds), np.nan, days)


class _Text(_Coder):
    nothing = (NAN,) * (1 + TEXT_BUCKETS)

    def encode(self, cell: Any, strict: bool) -> Sequence[float]:
        if not isinstance(cell, str):
            if _is_null(cell):
                return self.nothing
            raise CellError("text", cell)
        words = re.findall(r"\w+", cell.lower())
        counts = [0] * self.width
        counts[0] = len(words)
        for word in words:
            counts[1 + zlib.crc32(word.encode("utf-8", "replace")) % TEXT_BUCKETS] += 1
        return counts


_CODERS = {
    "numeric": _Numeric,
    "boolean": _Boolean,
    "categorical": _Categorical,
    "datetime": _Datetime,
    "text": _Text,
}


class Encoder:
    """Turns raw rows into the matrix that the pipeline reads, under a contract.

    Numbers lose the training median, which keeps their digits in float32; booleans become
    0 or 1, categories their index in the contract (null and unknown have an index of their
    own), datetimes their parts, texts a word count and hashed word counts [1]_. Null is NaN
    everywhere but in a category.

    Parameters
    ----------
    contract : dict
        As made by ``steps.contract.infer_contract``.

    References
    ----------
    .. [1] Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
    """

    def __init__(self, contract: dict[str, Any]) -> None:
        self.names = [feature["name"] for feature in contract["features"]]
        self._coders = [_CODERS[feature["kind"]](feature) for feature in contract["features"]]
        self.width = sum(coder.width for coder in self._coders)  # columns of the matrix

    def encode_rows(self, rows: Iterable[Sequence[Any]], strict: bool = False) -> Encoded:
        """Encode few rows, cell by cell.

        Parameters
        ----------
        rows : iterable of n_rows sequences
            Each holds a cell for every feature of the contract, in its order.
        strict : bool
            Whether an unknown category, or a number outside the range of the training rows, is bad.

        Returns
        -------
        matrix : ndarray of shape (n_rows, n_encoded), float32
        problems : dict of int to str
            Position (from 0) of each bad row -> its first bad cell, in a sentence.
        """
        values: list[float] = []
        problems: dict[int, str] = {}
        n_rows = 0
        for cells in rows:
            for coder, cell in zip(self._coders, cells, strict=True):
                try:
                    code = coder.encode(cell, strict)
                except CellError as error:
                    name = self.names[self._coders.index(coder)]
                    problems.setdefault(n_rows, _sentence(name, n_rows, error))
                    code = coder.invalid
                if coder.width == 1:
                    values.append(code)
                else:
                    values.extend(code)
            n_rows += 1
        return np.array(values, dtype=np.float32).reshape(n_rows, self.width), problems

    def encode_columns(
        self, columns: Mapping[str, Cells], n_rows: int, strict: bool = False
    ) -> Encoded:
        """Encode many rows, column by column; see ``encode_rows``.

        Parameters
        ----------
        columns : mapping of str to Cells of n_rows
            At least the contract's features.
        n_rows : int
        strict : bool

        Raises
        ------
        InputError
            When a column is missing.
        """
        self.check_names(columns)
        matrix = np.empty((n_rows, self.width), dtype=np.float32)
        problems: dict[int, str] = {}
        start = 0
        for name, coder in zip(self.names, self._coders, strict=True):
            block = matrix[:, start : start + coder.width]
            for row, why in coder.encode_column(columns[name], block, strict).items():
                problems.setdefault(row, _sentence(name, row, why))
            start += coder.width
        return matrix, problems

    def encode_frame(self, frame: Any, strict: bool = False) -> Encoded:
        """Encode the rows of a DataFrame; see ``encode_rows``.

        Raises
        ------
        InputError
            When a column is missing or given twice.
        """
        names = frame.columns.tolist()
        few = len(frame) <= FEW_ROWS  # to take a column costs more than to read its few cells
        if few and names == self.names:  # as MLflow orders them
            return self.encode_rows(frame.to_numpy(dtype=object).tolist(), strict)
        self.check_names(names)
        twice = [name for name in self.names if names.count(name) > 1]
        if twice:
            raise InputError(f"columns {twice} are given twice: expected each one once")
        if few:
            return self.encode_frame(frame[self.names], strict)
        columns = {name: _cells(frame[name]) for name in self.names}
        return self.encode_columns(columns, len(frame), strict)

    def check_names(self, given: Iterable[str]) -> None:
        """Refuse rows that lack a feature."""
        missing = [name for name in self.names if name not in given]
        if missing:
            raise InputError(f"missing columns {missing}: expected {self.names}")


def _sentence(name: str, row: int, why: object) -> str:
    return f"column {name!r}, row {row}: {why}"


def _cells(values: Any) -> Cells:
    if values.dtype == np.float64:
        return values.to_numpy()
    if values.dtype.kind in "iuf":
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if hasattr(values.dtype, "categories"):
        return Coded(values.cat.codes.to_numpy(), values.cat.categories.tolist())
    return values.tolist()


def encode_rows(frame: Any, contract: dict[str, Any], strict: bool = False) -> Encoded:
    """Encode the rows of a DataFrame; see ``Encoder``."""
    return Encoder(contract).encode_frame(frame, strict)


def encode(frame: Any, contract: dict[str, Any]) -> np.ndarray:
    """Encode the rows of a DataFrame, all of which must be valid; see ``Encoder``.

    Parameters
    ----------
    frame : DataFrame of n_rows rows
        Holds at least the contract's features, in any order.
    contract : dict

    Returns
    -------
    ndarray of shape (n_rows, n_encoded), float32

    Raises
    ------
    InputError
        Naming the column, the row (from 0), what was expected and what came.
    """
    matrix, problems = encode_rows(frame, contract)
    if problems:
        raise InputError(problems[min(problems)])
    return matrix


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
    rounded = np.asarray(probabilities, dtype=np.float64).round(DECISION_DECIMALS)
    if threshold is None:
        return rounded.argmax(axis=1)
    return (rounded[:, 1] > threshold).astype(np.int64)


class Predictor:
    """Answers encoded rows.

    Parameters
    ----------
    contract : dict
    probabilities : callable
        Takes the matrix, returns float64 of shape (n_rows, n_classes).

    Attributes
    ----------
    contract : dict
    encoder : Encoder
    """

    def __init__(
        self, contract: dict[str, Any], probabilities: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        self.contract, self._probabilities = contract, probabilities
        self.encoder = Encoder(contract)
        self._classes = np.asarray(contract["classes"])
        self._columns = [f"probability_{label}" for label in contract["classes"]]

    def predict(self, frame: Any, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Answer the rows of a DataFrame; see ``params`` and ``answer``.

        Raises
        ------
        InputError
            When a column, a param or, unless ``on_error=null``, a row is bad.
        """
        params = self.params(given)
        return self.answer(*self.encoder.encode_frame(frame, params["strict"]), params)

    def params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Complete and check what is asked for.

        Parameters
        ----------
        given : mapping
            ``output``: ``prediction`` (the label and its probability), ``probabilities`` (one
            column ``probability_<label>`` a class) or ``all``. ``threshold``, for two classes:
            the second label is predicted where its probability exceeds it, 0 to 1. ``strict``:
            refuse unknown categories and numbers outside the training range. ``on_error``:
            ``raise``, or ``null`` to answer bad rows with nulls and the reason in ``error``.

        Raises
        ------
        InputError
        """
        binary = self.contract["threshold"] is not None
        defaults = {"output": OUTPUTS[0], "strict": False, "on_error": ON_ERROR[0]}
        params = defaults | {"threshold": self.contract["threshold"]} | dict(given)
        threshold = params["threshold"] if binary else None
        valid = {
            "output": (params["output"] in OUTPUTS, f"one of {list(OUTPUTS)}"),
            "on_error": (params["on_error"] in ON_ERROR, f"one of {list(ON_ERROR)}"),
            "strict": (isinstance(params["strict"], bool), "true or false"),
            "threshold": (not binary or _is_share(threshold), "0 to 1"),
        }
        for name, (holds, expected) in valid.items():
            if not holds:
                raise InputError(f"params.{name}: expected {expected}, got {_short(params[name])}")
        return params | {"threshold": threshold}

    def answer(
        self, matrix: np.ndarray, problems: dict[int, str], params: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """Score encoded rows: as many come out as went in, in the same order.

        Parameters
        ----------
        matrix : ndarray of shape (n_rows, n_encoded), float32
        problems : dict of int to str
            As from ``Encoder``.
        params : mapping
            As from ``params``.

        Returns
        -------
        dict of str to array of shape (n_rows,)
            ``prediction`` in the label's type, probabilities float64; ``error`` with
            ``on_error=null``.

        Raises
        ------
        InputError
            When a row is bad, unless ``on_error=null``.
        """
        if problems and params["on_error"] == "raise":
            raise InputError(problems[min(problems)])
        scores = self._probabilities(matrix) if len(matrix) else np.empty((0, len(self._columns)))
        if not np.isfinite(scores).all():
            raise ValueError("the pipeline gave a probability that is no finite number")
        columns: dict[str, Any] = {}
        if params["output"] != "probabilities":
            chosen = decide(scores, params["threshold"])
            columns["prediction"] = self._classes[chosen]
            columns["probability"] = scores[np.arange(len(scores)), chosen]
        if params["output"] != "prediction":
            columns |= zip(self._columns, scores.T, strict=True)
        if params["on_error"] == "raise":
            return columns
        return _with_errors(columns, problems, len(matrix))


def _with_errors(
    columns: dict[str, np.ndarray], problems: dict[int, str], n_rows: int
) -> dict[str, np.ndarray]:
    columns = {name: values.astype(object) for name, values in columns.items()}
    for values in columns.values():
        values[list(problems)] = None
    errors = np.full(n_rows, None, dtype=object)
    for row, why in problems.items():
        errors[row] = why
    return columns | {"error": errors}


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def load(contract: bytes, pipeline: bytes) -> Predictor:
    """Load what was packaged.

    Parameters
    ----------
    contract : bytes
        JSON.
    pipeline : bytes
        An ONNX graph, or a pickle.

    Raises
    ------
    RuntimeError
        When a pickled pipeline was written by another minor version of Python or scikit-learn,
        does not load, or pickles are not allowed here.
    """
    parsed = json.loads(contract)
    pickled = pipeline[:1] == b"\x80"
    return Predictor(parsed, _load_pickle(pipeline, parsed) if pickled else load_graph(pipeline))


def load_graph(graph: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """Load an ONNX graph.

    Parameters
    ----------
    graph : bytes

    Returns
    -------
    callable
        Takes the matrix, returns float64 of shape (n_rows, n_classes).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # more threads add up the trees of few rows in another order than those of many: a row's answer
    # would depend on the rows beside it and on the number of cores
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(matrix: np.ndarray) -> np.ndarray:
        return session.run(["probabilities"], {"features": matrix})[0]

    def probabilities(matrix: np.ndarray) -> np.ndarray:
        chunks = len(matrix) // CHUNK_ROWS
        scores = run(matrix) if chunks < 2 else _in_threads(run, np.array_split(matrix, chunks))
        return scores.astype(np.float64)

    return probabilities


def usable_cores() -> int:
    """Count the processor's cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # neither macOS nor Windows tells
        return os.cpu_count() or 1


def _in_threads(run: Callable[[np.ndarray], np.ndarray], parts: list[np.ndarray]) -> np.ndarray:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(usable_cores()) as threads:
        return np.concatenate(list(threads.map(run, parts)))


def _load_pickle(pickled: bytes, contract: dict[str, Any]) -> Any:
    import cloudpickle
    import sklearn

    own = "serve it in its own environment (--env-manager uv), or package it again"
    here = {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "scikit-learn": ".".join(sklearn.__version__.split(".")[:2]),
    }
    for name, version in here.items():
        made = contract.get(name, version)  # a contract of an earlier format may not tell
        if version != made:
            title = name.replace("python", "Python")
            raise RuntimeError(
                f"this model was pickled by {title} {made} and cannot be loaded by "
                f"{title} {version}: {own}"
            )
    if os.environ.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true").lower() in ("false", "0"):
        raise RuntimeError(
            "pipeline.pkl is a pickle and MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false: allow it, "
            "or package a classifier that converts to ONNX"
        )
    try:
        pipeline = cloudpickle.loads(pickled)
    except Exception as error:  # a package that it names is absent, or of another version
        raise RuntimeError(
            f"pipeline.pkl cannot be loaded here, {type(error).__name__}: {error}; {own}"
        ) from error

    def probabilities(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(pipeline.predict_proba(matrix), dtype=np.float64)

    return probabilities


def _is_null(cell: Any) -> bool:
    return (
        cell is None
        or (isinstance(cell, float) and cell != cell)
        or type(cell).__name__ in ("NAType", "NaTType")  # those of pandas
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
