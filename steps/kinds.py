"""Kinds of columns: what the values are, what they can be read as, what cannot help."""

import numpy as np
import pandas as pd

from custom_model.predictor import stamps
from steps.errors import StepError

IDENTIFIER_SHARE = 0.95
IDENTIFIER_MIN_ROWS = 20
TEXT_MIN_WORDS = 4
BROKEN_SHARE = 0.1
ISO_DATE = r"\d{4}-\d{2}-\d{2}"
KINDS = ("numeric", "boolean", "categorical", "datetime", "text")
BASIC_KINDS = {
    "boolean": ("boolean",),
    "numeric": ("integer", "floating", "mixed-integer-float", "decimal"),
    "datetime": ("datetime64", "datetime", "date"),
    "string": ("string",),
}
# the kinds that values of a basic kind can be read as
CONVERSIONS = {
    "boolean": ("boolean",),
    "numeric": ("numeric", "categorical"),
    "datetime": ("datetime",),
    "string": ("categorical", "text", "datetime"),
}


def basic_kind(present: pd.Series) -> str:
    """Tell what values are, nulls left out: boolean, numeric, datetime or string.

    Raises
    ------
    StepError
        When they are none of these.
    """
    inferred = pd.api.types.infer_dtype(present, skipna=True)
    for basic, names in BASIC_KINDS.items():
        if inferred in names:
            return basic
    raise StepError(
        f"column {present.name!r}: expected numbers, booleans, texts or dates, got {inferred} "
        f"values such as {present.iloc[0]!r:.60}; leave it out with -P drop={present.name}"
    )


def string_kind(present: pd.Series) -> str:
    """Tell what texts are: dates (ISO 8601), texts of several words, or categories."""
    distinct, counts = _distinct(present)
    if distinct.str.match(ISO_DATE).all() and parses_as_dates(distinct):
        return "datetime"
    words = np.average(distinct.str.count(r"\S+"), weights=counts)
    return "text" if words >= TEXT_MIN_WORDS else "categorical"


def _distinct(present: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Find each different value once, and in how many rows: mostly they are few."""
    counts = present.value_counts(sort=False)
    return counts.index.to_series(), counts.to_numpy()


def parses_as_dates(present: pd.Series) -> bool:
    """Tell whether every value is an ISO 8601 date or time."""
    return bool(stamps(present, "coerce").notna().all())


def uselessness(values: pd.Series, asked_for: bool) -> str | None:
    """Say why a column cannot help, if so.

    Parameters
    ----------
    values : Series of n_rows
    asked_for : bool
        Whether its kind was given: then it is no identifier.

    Returns
    -------
    str or None
        ``all null``, ``constant`` or ``identifier-like``.

    Raises
    ------
    StepError
        When it holds numbers with a few texts among them.
    """
    present = values.dropna()
    if present.empty:
        return "all null"
    basic = basic_kind(present)
    distinct = present.nunique()
    if distinct == 1 and len(present) == len(values):
        return "constant"
    if asked_for or len(present) < IDENTIFIER_MIN_ROWS:
        return None
    if basic == "string":
        _check_no_broken_numbers(present)
    if basic == "string" and distinct >= IDENTIFIER_SHARE * len(present):
        return "identifier-like" if string_kind(present) == "categorical" else None
    if pd.api.types.is_integer_dtype(present) and distinct == len(values):
        # row numbers: consecutive but for the rows that are held out
        dense = int(present.max()) - int(present.min()) < 2 * len(values)
        return "identifier-like" if dense else None
    return None


def _check_no_broken_numbers(present: pd.Series) -> None:
    """Refuse numbers with a few texts among them: as categories they would mean nothing."""
    distinct, counts = _distinct(present)
    broken = pd.to_numeric(distinct, errors="coerce").isna()
    share = np.average(broken, weights=counts)
    if 0 < share <= BROKEN_SHARE:
        row = present.index[present.isin(distinct[broken])].min()
        raise StepError(
            f"column {present.name!r}, data row {row + 1}: expected a number, as in "
            f"{1 - share:.1%} of the column, got {present[row]!r:.60}; empty that cell, "
            f"or say -P kinds={present.name}:categorical"
        )
