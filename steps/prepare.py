"""From a table to what a fit needs: rows, contract, matrices, class indices."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from custom_model.predictor import encode
from steps.checks import warnings_about
from steps.clock import Clock
from steps.contract import infer_contract
from steps.drift import profile
from steps.errors import listed
from steps.parameters import kinds_in
from steps.rows import Rows, class_indices, encode_held_out, split_rows


class Prepared(NamedTuple):
    """A table, ready to be fitted; where there are two, training rows first, held-out second."""

    rows: Rows
    contract: dict[str, Any]
    matrices: tuple[np.ndarray, np.ndarray]  # of shape (n_rows, n_encoded), float32
    indices: tuple[np.ndarray, np.ndarray]  # of the class of each row
    dropped: dict[str, str]  # columns, and why
    warnings: list[str]

    def parts(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Name the matrix and the class indices of either part: training, validation."""
        pairs = zip(self.matrices, self.indices, strict=True)
        return dict(zip(("training", "validation"), pairs, strict=True))


def prepare(frame: pd.DataFrame, params: dict[str, Any], clock: Clock) -> Prepared:
    """Check, split and encode a table, and infer its contract.

    Parameters
    ----------
    frame : DataFrame
    params : dict
        Those of the entry point train.
    clock : Clock

    Returns
    -------
    Prepared

    Raises
    ------
    StepError
        When it cannot be trained on.
    """
    with clock.stage("split", "splitting"):
        rows = split_rows(frame, params)
    with clock.stage("contract", "inferring the contract"):
        contract, dropped = infer_contract(
            rows.features[0], rows.labels[0], kinds_in(params["kinds"])
        )
    with clock.stage("encode", "encoding"):
        matrix = encode(rows.features[0], contract)
        held_out = encode_held_out(rows.features[1], contract)
    with clock.stage("check", "checking the data"):
        contract["profile"] = profile(matrix, contract)
        train, test = (class_indices(labels, contract) for labels in rows.labels)
        found = [f"dropped {reason}: {names}" for reason, names in _by_reason(dropped).items()]
        found += warnings_about(rows.features, rows.labels, contract, matrix, train)
    return Prepared(rows, contract, (matrix, held_out), (train, test), dropped, found)


def _by_reason(dropped: dict[str, str]) -> dict[str, str]:
    reasons = sorted(set(dropped.values()))
    return {
        reason: listed(name for name, why in dropped.items() if why == reason) for reason in reasons
    }
