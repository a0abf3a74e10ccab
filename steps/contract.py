"""The contract: what a valid row is, inferred once from the training rows."""

import platform
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

from custom_model.model import OUTPUTS
from steps.errors import StepError

THRESHOLD = 0.5
MAX_CATEGORIES = 1000
IDENTIFIER_SHARE = 0.95
IDENTIFIER_MIN_ROWS = 20
TEXT_MIN_WORDS = 4
ISO_DATE = r"\d{4}-\d{2}-\d{2}"
NUMERIC = ("integer", "floating", "mixed-integer-float", "decimal")
DATETIME = ("datetime64", "datetime", "date")


def infer_contract(frame: pd.DataFrame, labels: pd.Series) -> tuple[dict[str, Any], dict[str, str]]:
    """Infer what a valid row is.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The training rows without the target.
    labels : Series of n_rows
        The target, without nulls.

    Returns
    -------
    contract : dict
        JSON-ready: ``target``, ``classes`` (sorted), ``threshold`` (None but for two classes),
        ``python`` (the minor version) and ``features``, each with ``name``, ``kind`` (numeric,
        boolean, categorical, datetime or text), ``type`` (in the signature), ``null_rate`` and
        what its kind needs.
    dropped : dict of str to str
        Left-out columns, and why.

    Raises
    ------
    StepError
        When a column holds values of no kind, or no feature is left.
    """
    reasons = {str(name): _uselessness(frame[name]) for name in frame}
    dropped = {name: reason for name, reason in reasons.items() if reason}
    features = [_infer_feature(frame[name]) for name in frame if name not in dropped]
    if not features:
        raise StepError(f"no usable feature column: expected at least one, got {dropped}")
    classes = sorted(labels.unique().tolist())
    contract = {
        "format": 1,
        "target": str(labels.name),
        "classes": classes,
        "threshold": THRESHOLD if len(classes) == 2 else None,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "features": features,
    }
    return contract, dropped


def signature_of(contract: dict[str, Any]) -> ModelSignature:
    """Derive the MLflow signature: named columns in, label and probability out, typed params."""
    label = {bool: "boolean", int: "long", float: "double", str: "string"}
    params = [ParamSpec("output", "string", OUTPUTS[0])]
    if contract["threshold"] is not None:
        params.append(ParamSpec("threshold", "double", contract["threshold"]))
    return ModelSignature(
        inputs=Schema(
            [ColSpec(feature["type"], feature["name"]) for feature in contract["features"]]
        ),
        outputs=Schema(
            [
                ColSpec(label[type(contract["classes"][0])], "prediction"),
                ColSpec("double", "probability"),
            ]
        ),
        params=ParamSchema(params),
    )


def _uselessness(values: pd.Series) -> str | None:
    """Say why a column cannot help, if so."""
    present = values.dropna()
    if present.empty:
        return "all null"
    kind = _infer_kind(present)
    distinct = present.nunique()
    if distinct == 1 and len(present) == len(values):
        return "constant"
    if len(present) < IDENTIFIER_MIN_ROWS:
        return None
    if kind == "categorical" and distinct >= IDENTIFIER_SHARE * len(present):
        return "identifier-like"
    if pd.api.types.is_integer_dtype(present) and distinct == len(values):
        consecutive = int(present.max()) - int(present.min()) == len(values) - 1
        return "identifier-like" if consecutive else None
    return None


def _infer_kind(present: pd.Series) -> str:
    inferred = pd.api.types.infer_dtype(present, skipna=True)
    if inferred == "boolean":
        return "boolean"
    if inferred in NUMERIC:
        return "numeric"
    if inferred in DATETIME:
        return "datetime"
    if inferred != "string":
        raise StepError(
            f"column {present.name!r}: expected numbers, booleans, texts or dates, got {inferred} "
            f"such as {present.iloc[0]!r:.60}; leave it out with -P drop={present.name}"
        )
    if present.str.match(ISO_DATE).all() and _parses_as_dates(present):
        return "datetime"
    return "text" if present.str.count(r"\S+").mean() >= TEXT_MIN_WORDS else "categorical"


def _parses_as_dates(present: pd.Series) -> bool:
    return bool(pd.to_datetime(present, utc=True, format="ISO8601", errors="coerce").notna().all())


def _infer_feature(values: pd.Series) -> dict[str, Any]:
    present = values.dropna()
    kind = _infer_kind(present)
    feature = {
        "name": str(values.name),
        "kind": kind,
        "type": _signature_type(values, kind),
        "null_rate": round(float(values.isna().mean()), 6),
    }
    return feature | _PROFILES.get(kind, lambda present: {})(present)


def _signature_type(values: pd.Series, kind: str) -> str:
    """Choose the MLflow type under which the column arrives as it arrived here.

    Numbers are double, integers too, or a null could not be sent. MLflow turns a null in a
    boolean column into False and cannot read dates from CSV, so those two keep their type only
    where the training data had it; a text passes MLflow unchanged.
    """
    if kind == "numeric":
        return "double"
    if kind == "boolean" and values.dtype == bool:
        return "boolean"
    return "datetime" if values.dtype.kind == "M" else "string"


def _profile_numeric(present: pd.Series) -> dict[str, Any]:
    numbers = present.to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        row = present.index[~np.isfinite(numbers)][0]
        raise StepError(
            f"column {present.name!r}, data row {row + 1}: expected a finite number, got "
            f"{present[row]}; replace it by an empty cell or leave out the column with "
            f"-P drop={present.name}"
        )
    return {
        "center": float(np.median(numbers)),
        "minimum": float(numbers.min()),
        "maximum": float(numbers.max()),
    }


def _profile_categorical(present: pd.Series) -> dict[str, Any]:
    counts = present.value_counts()
    ranked = sorted(counts.index, key=lambda category: (-counts[category], category))
    return {"categories": {category: i for i, category in enumerate(ranked[:MAX_CATEGORIES])}}


def _profile_datetime(present: pd.Series) -> dict[str, Any]:
    stamps = pd.to_datetime(present, utc=True, format="ISO8601")
    days = (stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    return {
        "center": float(days.median()),
        "minimum": stamps.min().isoformat(),
        "maximum": stamps.max().isoformat(),
    }


_PROFILES = {
    "numeric": _profile_numeric,
    "categorical": _profile_categorical,
    "datetime": _profile_datetime,
}
