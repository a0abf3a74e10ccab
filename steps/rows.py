"""Rows of a table, split for training and holding out, with their labels."""

import hashlib
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from custom_model.predictor import encode_rows
from steps.data import select_columns, split
from steps.errors import StepError
from steps.parameters import names_in


def class_indices(labels: pd.Series, contract: dict[str, Any]) -> np.ndarray:
    """Turn labels into indices of the contract's classes: shape (n_rows,), int64."""
    index = {label: i for i, label in enumerate(contract["classes"])}
    return np.array([index[label] for label in labels.tolist()], dtype=np.int64)


class Rows(NamedTuple):
    """A table split by a seed: training rows first, held-out rows second."""

    features: tuple[pd.DataFrame, pd.DataFrame]
    labels: tuple[pd.Series, pd.Series]

    def sha256(self) -> str:
        """Hash which rows stand where: hexadecimal."""
        positions = [frame.index.to_numpy(dtype=np.int64).tobytes() for frame in self.features]
        return hashlib.sha256(b"|".join(positions)).hexdigest()


def split_rows(frame: pd.DataFrame, params: dict[str, Any]) -> Rows:
    """Check a table and split it, as the parameters of train say."""
    features, labels = select_columns(frame, params["target"], names_in(params["drop"]))
    train, held_out, train_labels, held_out_labels = split(
        features, labels, params["test_size"], params["seed"]
    )
    return Rows((train, held_out), (train_labels, held_out_labels))


def encode_held_out(held_out: pd.DataFrame, contract: dict[str, Any]) -> np.ndarray:
    """Encode the held-out rows, before the fit: shape (n_rows, n_encoded), float32.

    Raises
    ------
    StepError
        Naming the column and the row of the data.
    """
    matrix, problems = encode_rows(held_out, contract)
    if problems:
        place = min(problems)
        where = f", data row {held_out.index[place] + 1}:"
        said = re.sub(r", row \d+:", where, problems[place], count=1)
        raise StepError(f"{said}; mend it, leave the column out (drop) or name its kind (kinds)")
    return matrix
