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
DATETIME_PARTS = ("days", "month", "day", "weekday", "hour")
TEXT_BUCKETS = 32
BOOLEANS = {True: 1, False: 0, "true": 1, "false": 0, "True": 1, "False": 0}
# Probabilities agree with the trained pipeline's to 1e-6, so labels are decided at that
# resolution: what is a tie in float64 stays a tie in float32.
DECISION_DECIMALS = 6

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
    """Turn raw rows into the matrix that the pipeline reads.

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

    Returns
    -------
    ndarray of shape (n_rows, n_encoded), float32

    Raises
    ------
    MlflowException
        ``INVALID_PARAMETER_VALUE``, naming the column, the row, what was expected and what came.

    References
    ----------
    .. [1] Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.
    """
    features = contract["features"]
    missing = [feature["name"] for feature in features if feature["name"] not in frame]
    if missing:
        raise _refusal(f"missing columns {missing}: expected {[f['name'] for f in features]}")
    stops = np.cumsum([len(encoded_names(feature)) for feature in features])
    matrix = np.empty((len(frame), stops[-1]), dtype=np.float32)
    for feature, block in zip(features, np.split(matrix, stops[:-1], axis=1), strict=True):
        _ENCODERS[feature["kind"]](frame[feature["name"]], feature, block)
    return matrix


def _encode_numeric(values: pd.Series, feature: dict[str, Any], out: np.ndarray) -> None:
    if values.dtype.kind not in "iuf":
        for row, cell in enumerate(values.tolist()):
            if isinstance(cell, bool) or not (_is_null(cell) or hasattr(cell, "__float__")):
                raise _bad_cell(feature, row, "a number", cell)
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        out[:, 0] = numbers - feature["center"]
    infinite = np.isinf(out[:, 0])
    if infinite.any():
        row = int(infinite.argmax())
        raise _bad_cell(feature, row, "a finite number", float(numbers[row]))


def _encode_boolean(values: pd.Series, feature: dict[str, Any], out: np.ndarray) -> None:
    out[:, 0] = _look_up(values, feature, BOOLEANS, null=np.nan)


def _encode_categorical(values: pd.Series, feature: dict[str, Any], out: np.ndarray) -> None:
    known = feature["categories"]
    out[:, 0] = _look_up(values, feature, known, null=len(known), unknown=len(known) + 1)


def _look_up(
    values: pd.Series,
    feature: dict[str, Any],
    table: dict[Any, int],
    null: float,
    unknown: float | None = None,
) -> np.ndarray:
    cells = values.tolist()
    codes = np.array([table.get(cell, -1) if cell.__hash__ else -1 for cell in cells], dtype=float)
    for row in np.flatnonzero(codes < 0):
        cell = cells[row]
        if _is_null(cell):
            codes[row] = null
        elif unknown is not None and isinstance(cell, str):
            codes[row] = unknown
        else:
            expected = "true or false" if unknown is None else "text"
            raise _bad_cell(feature, int(row), expected, cell)
    return codes


def _encode_datetime(values: pd.Series, feature: dict[str, Any], out: np.ndarray) -> None:
    stamps = pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce")
    unparsed = (stamps.isna() & values.notna()).to_numpy()
    if unparsed.any():
        row = int(unparsed.argmax())
        raise _bad_cell(feature, row, "an ISO 8601 date or time", values.iloc[row])
    out[:, 0] = (stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1) - feature["center"]
    parts = (stamps.dt.month, stamps.dt.day, stamps.dt.day_of_week, stamps.dt.hour)
    out[:, 1:] = np.column_stack(parts)


def _encode_text(values: pd.Series, feature: dict[str, Any], out: np.ndarray) -> None:
    out[:] = 0
    for row, cell in enumerate(values.tolist()):
        if _is_null(cell):
            out[row] = np.nan
            continue
        if not isinstance(cell, str):
            raise _bad_cell(feature, row, "text", cell)
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
            the second label is predicted where its probability exceeds it, 0 to 1.

        Returns
        -------
        DataFrame of n_rows rows
            Column ``prediction`` in the label's type, all others float64.

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
        except Exception as error:
            fault = uuid.uuid4().hex[:12]
            _logger.exception("prediction failed, id %s", fault)
            raise MlflowException(
                f"the model failed on this input; id {fault} in the server's log", INTERNAL_ERROR
            ) from error

    def _predict(self, frame: pd.DataFrame, params: dict[str, Any]) -> pd.DataFrame:
        classes = self.contract["classes"]
        output, threshold = _checked_params(params, self.contract)
        matrix = encode(frame, self.contract)
        scores = self._probabilities(matrix) if len(matrix) else np.empty((0, len(classes)))
        chosen = decide(scores, threshold)
        columns = {}
        if output != "probabilities":
            columns["prediction"] = np.asarray(classes)[chosen]
            columns["probability"] = scores[np.arange(len(scores)), chosen]
        if output != "prediction":
            columns |= {f"probability_{label}": scores[:, i] for i, label in enumerate(classes)}
        return pd.DataFrame(columns, index=frame.index)


def _checked_params(params: dict[str, Any], contract: dict[str, Any]) -> tuple[str, float | None]:
    output = params.get("output", OUTPUTS[0])
    if output not in OUTPUTS:
        raise _refusal(f"params.output: expected one of {list(OUTPUTS)}, got {_short(output)}")
    if contract["threshold"] is None:
        return output, None
    threshold = params.get("threshold", contract["threshold"])
    if not 0 <= threshold <= 1:
        raise _refusal(f"params.threshold: expected 0 to 1, got {_short(threshold)}")
    return output, threshold


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


def _bad_cell(feature: dict[str, Any], row: int, expected: str, cell: Any) -> MlflowException:
    return _refusal(
        f"column {feature['name']!r}, row {row}: expected {expected}, got {_short(cell)}"
    )


def _refusal(message: str) -> MlflowException:
    return MlflowException(message, error_code=INVALID_PARAMETER_VALUE)


mlflow.models.set_model(ClassifierModel())
