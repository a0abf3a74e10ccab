"""The contract: what a valid row is, inferred once from the training rows."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

from custom_model.predictor import ON_ERROR, OUTPUTS, days_since_1970, number_as_text, stamps
from steps.errors import StepError, listed
from steps.kinds import (
    CONVERSIONS,
    KINDS,
    basic_kind,
    parses_as_dates,
    string_kind,
    uselessness,
)

THRESHOLD = 0.5
MAX_CATEGORIES = 1000


def infer_contract(
    frame: pd.DataFrame, labels: pd.Series, kinds: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Infer what a valid row is.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The training rows without the target.
    labels : Series of n_rows
        The target, without nulls.
    kinds : mapping of str to str, optional
        Kinds of columns that are not to be inferred.

    Returns
    -------
    contract : dict
        JSON-ready: ``target``, ``classes`` (sorted), ``class_counts``, ``threshold`` (None but
        for two classes), ``python`` (the minor version) and ``features``, each with ``name``,
        ``kind`` (numeric, boolean, categorical, datetime or text), ``type`` (in the signature),
        ``null_rate`` and what its kind needs.
    dropped : dict of str to str
        Left-out columns, and why.

    Raises
    ------
    StepError
        When a column holds values of no kind or not of the kind asked for, or no feature is left.
    """
    kinds = kinds or {}
    _check_kinds(kinds, frame)
    reasons = {str(name): uselessness(frame[name], str(name) in kinds) for name in frame}
    dropped = {name: reason for name, reason in reasons.items() if reason}
    features = [
        _infer_feature(frame[name], kinds.get(str(name))) for name in frame if name not in dropped
    ]
    if not features:
        raise StepError(
            "no usable feature column: expected at least one, got "
            + listed(f"{name} ({reason})" for name, reason in dropped.items())
        )
    counts = labels.value_counts()
    classes = sorted(counts.index.tolist())
    contract = {
        "format": 1,
        "target": str(labels.name),
        "classes": classes,
        "class_counts": [int(counts[label]) for label in classes],
        "threshold": THRESHOLD if len(classes) == 2 else None,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "scikit-learn": ".".join(version("scikit-learn").split(".")[:2]),
        "features": features,
    }
    return contract, dropped


def signature_of(contract: dict[str, Any]) -> ModelSignature:
    """Derive the MLflow signature: named columns in, label and probability out, typed params."""
    label = {bool: "boolean", int: "long", float: "double", str: "string"}
    params = [
        ParamSpec("output", "string", OUTPUTS[0]),
        ParamSpec("strict", "boolean", False),
        ParamSpec("on_error", "string", ON_ERROR[0]),
    ]
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


def _check_kinds(kinds: Mapping[str, str], frame: pd.DataFrame) -> None:
    for name, kind in kinds.items():
        if name not in frame:
            raise StepError(
                f"kinds: no feature column {name!r}: expected one of {listed(frame.columns)}"
            )
        if kind not in KINDS:
            raise StepError(f"kinds: {name}: expected one of {', '.join(KINDS)}, got {kind!r}")


def _infer_feature(values: pd.Series, asked_for: str | None) -> dict[str, Any]:
    present = values.dropna()
    basic = basic_kind(present)
    kind = asked_for or (string_kind(present) if basic == "string" else basic)
    if kind not in CONVERSIONS[basic]:
        raise StepError(
            f"kinds: column {values.name!r} holds {basic} values and cannot be {kind}: expected "
            f"{' or '.join(CONVERSIONS[basic])}"
        )
    feature = {
        "name": str(values.name),
        "kind": kind,
        # MLflow casts requests: a null to False, "false" to True, 2020 to a moment of 1970. It
        # leaves strings alone, so all but numbers are strings to it, and encode judges them.
        # Integers are double, or a null could not be sent.
        "type": "double" if basic == "numeric" else "string",
        "null_rate": round(float(values.isna().mean()), 6),
    }
    if kind == "datetime" and not parses_as_dates(present):
        raise StepError(f"kinds: column {values.name!r}: expected ISO 8601 dates or times only")
    return feature | _PROFILES.get(kind, lambda present: {})(present)


def _profile_numeric(present: pd.Series) -> dict[str, Any]:
    numbers = present.to_numpy(dtype=np.float64)
    with np.errstate(over="ignore"):
        finite = np.isfinite(numbers.astype(np.float32))
    if not finite.all():
        row = present.index[~finite].min()
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
    if basic_kind(present) == "numeric":
        present = present.map(number_as_text)
    counts = present.value_counts()
    ranked = sorted(counts.index, key=lambda category: (-counts[category], category))
    return {"categories": {category: i for i, category in enumerate(ranked[:MAX_CATEGORIES])}}


def _profile_datetime(present: pd.Series) -> dict[str, Any]:
    found = stamps(present)
    return {
        "center": float(np.median(days_since_1970(found))),
        "minimum": found.min().isoformat(),
        "maximum": found.max().isoformat(),
    }


_PROFILES = {
    "numeric": _profile_numeric,
    "categorical": _profile_categorical,
    "datetime": _profile_datetime,
}
