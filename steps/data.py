"""The data seat: which columns and labels can be trained on, and how rows are held out."""

import difflib
from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from steps.errors import StepError, listed

LABEL_TYPES = ("integer", "boolean", "string", "floating")
MAX_CLASSES = 1000
MAX_DECIMAL_CLASSES = 20
MAX_LABEL = 2**63 - 1
MAX_SEED = 2**32 - 1


def select_columns(
    frame: pd.DataFrame, target: str, drop: Iterable[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """Split a table into features and labels.

    Parameters
    ----------
    frame : DataFrame
    target : str
        The label column: integers, booleans or texts, no nulls, two classes or more.
    drop : iterable of str
        Columns to leave out.

    Returns
    -------
    features : DataFrame
    labels : Series

    Raises
    ------
    StepError
        When a column is missing or the labels cannot be learned.
    """
    drop = list(drop)
    for parameter, name in [("target", target), *(("drop", name) for name in drop)]:
        if name not in frame:
            near = difflib.get_close_matches(name, frame.columns, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise StepError(
                f"{parameter}: no column {name!r} in the data; {hint}"
                f"columns are {listed(frame.columns)}"
            )
    if target in drop:
        raise StepError(f"drop: {target!r} is the target and cannot be left out")
    labels = frame[target]
    _check_labels(labels)
    return frame.drop(columns=[target, *drop]), labels


def _check_labels(labels: pd.Series) -> None:
    for check in (_check_nulls, _check_type, _check_spelling, _check_counts):
        check(labels, f"target {labels.name!r}")


def _check_nulls(labels: pd.Series, target: str) -> None:
    if labels.empty:
        raise StepError(f"{target}: expected rows, got a header only")
    if labels.isna().any():
        rows = [int(row) + 1 for row in labels.index[labels.isna()][:3]]
        raise StepError(
            f"{target}: expected a label in every row, got {labels.isna().sum()} nulls "
            f"(first data rows {rows}; empty cells, NA and null count); remove those rows"
        )


def _check_type(labels: pd.Series, target: str) -> None:
    kind = pd.api.types.infer_dtype(labels)
    if kind == "integer" and max(labels.max(), -labels.min()) > MAX_LABEL:
        raise StepError(f"{target}: expected integers of 64 bits, got {labels.max()}")
    if kind not in LABEL_TYPES:
        raise StepError(f"{target}: expected integers, booleans or texts, got {kind} values")
    if kind == "floating" and not np.isfinite(labels).all():
        raise StepError(
            f"{target}: expected finite labels, got {labels[~np.isfinite(labels)].iloc[0]}"
        )
    if kind == "floating" and (labels % 1 != 0).any() and labels.nunique() > MAX_DECIMAL_CLASSES:
        raise StepError(
            f"{target}: expected classes, got {labels.nunique()} different decimal numbers; "
            "this is a regression target: bin it into classes first"
        )


def _check_spelling(labels: pd.Series, target: str) -> None:
    if pd.api.types.infer_dtype(labels) != "string":
        return
    spellings: dict[str, list[str]] = {}
    for label in labels.unique().tolist():
        spellings.setdefault(" ".join(label.split()).casefold(), []).append(label)
    for alike in spellings.values():
        if len(alike) > 1:
            raise StepError(
                f"{target}: expected one spelling for each class, got "
                f"{', '.join(map(repr, sorted(alike)))}; spell them alike"
            )


def _check_counts(labels: pd.Series, target: str) -> None:
    counts = labels.value_counts()
    if len(counts) < 2:
        raise StepError(
            f"{target}: expected two classes or more, got {counts.index.tolist()} in "
            f"{len(labels)} rows"
        )
    if len(counts) > MAX_CLASSES:
        raise StepError(
            f"{target}: expected at most {MAX_CLASSES} classes, got {len(counts)}; is it an "
            "identifier or a quantity?"
        )
    if counts.min() < 2:
        rare = counts.index[counts < 2].tolist()
        raise StepError(
            f"{target}: expected two rows or more of each class, got one of "
            f"{', '.join(map(repr, rare[:5]))}; remove or merge them"
        )


def split(
    features: pd.DataFrame, labels: pd.Series, test_size: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Split into training and held-out rows, stratified by label.

    Parameters
    ----------
    features : DataFrame of n_rows rows
    labels : Series of n_rows
    test_size : float
        Share of held-out rows, between 0 and 1.
    seed : int

    Returns
    -------
    train_features, held_out_features : DataFrame
    train_labels, held_out_labels : Series

    Raises
    ------
    StepError
        When the share leaves one part with fewer rows than classes.
    """
    if not 0 <= seed <= MAX_SEED:
        raise StepError(f"seed: expected 0 to {MAX_SEED}, got {seed}")
    if not 0 < test_size < 1:
        raise StepError(f"test_size: expected a share between 0 and 1, got {test_size}")
    try:
        return train_test_split(
            features, labels, test_size=test_size, random_state=seed, stratify=labels
        )
    except ValueError as error:
        raise StepError(
            f"test_size: {test_size} cannot split {len(labels)} rows: {error}"
        ) from error
