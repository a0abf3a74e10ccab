"""Gates: what a model must reach before it may be registered."""

import math
import operator
import re
from typing import NamedTuple

from steps.errors import StepError
from steps.metrics import METRICS
from steps.parameters import names_in

COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


class Gate(NamedTuple):
    """One condition on one metric."""

    metric: str
    comparison: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.comparison}{self.bound:g}"


def parse_gates(text: str) -> list[Gate]:
    """Read gates such as ``roc_auc>=0.8,log_loss<=0.6``.

    Parameters
    ----------
    text : str
        Comma-separated; empty for none.

    Returns
    -------
    list of Gate

    Raises
    ------
    StepError
        When one cannot be read or names no metric.

    Examples
    --------
    >>> parse_gates("accuracy>=0.9")
    [Gate(metric='accuracy', comparison='>=', bound=0.9)]
    """
    return [_parse_gate(part) for part in names_in(text)]


def _parse_gate(text: str) -> Gate:
    parts = re.fullmatch(r"(\w+)\s*(>=|<=|>|<)\s*(\S+)", text)
    try:
        gate = Gate(parts[1], parts[2], float(parts[3]))  # type: ignore[index]
    except (TypeError, ValueError) as error:
        raise StepError(
            f"gates: expected conditions such as roc_auc>=0.8,log_loss<=0.6, got {text!r}"
        ) from error
    if gate.metric not in METRICS:
        raise StepError(f"gates: no metric {gate.metric!r}: expected one of {', '.join(METRICS)}")
    if not math.isfinite(gate.bound):
        raise StepError(f"gates: expected a finite bound, got {text!r}")
    return gate


def failures(gates: list[Gate], measured: dict[str, float]) -> list[str]:
    """List the gates that were missed, with the figure; an undefined metric misses its gate."""
    return [
        f"{gate} not reached: {gate.metric} is {measured[gate.metric]:.4f}"
        for gate in gates
        if not COMPARISONS[gate.comparison](measured[gate.metric], gate.bound)
    ]
