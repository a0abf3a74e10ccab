"""Gates: what a model must reach before it may be registered."""

import math
import operator
import re
from typing import Any, NamedTuple

from steps.errors import StepError
from steps.metrics import METRICS
from steps.parameters import names_in

COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
GAIN = "gain_over_baseline"
WORST_SLICE = "worst_slice_"


class Gate(NamedTuple):
    """One condition on one metric."""

    metric: str
    comparison: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.comparison}{self.bound:g}"


class Check(NamedTuple):
    """One condition, judged."""

    condition: str
    passed: bool
    found: str  # a figure with what it means, for a sentence

    def __str__(self) -> str:
        return f"{self.condition} {'' if self.passed else 'not '}reached: {self.found}"


def parse_gates(text: str) -> list[Gate]:
    """Read gates such as ``roc_auc>=0.8,worst_slice_accuracy>=0.6``.

    Parameters
    ----------
    text : str
        Comma-separated; empty for none. Each names a metric, a metric after ``worst_slice_``, or
        ``gain_over_baseline``.

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
    if gate.metric != GAIN and gate.metric.removeprefix(WORST_SLICE) not in METRICS:
        raise StepError(
            f"gates: no metric {gate.metric!r}: expected one of {', '.join(METRICS)}, one of them "
            f"after {WORST_SLICE}, or {GAIN}"
        )
    if not math.isfinite(gate.bound):
        raise StepError(f"gates: expected a finite bound, got {text!r}")
    return gate


def check_metric(name: str) -> None:
    """Refuse a metric that the seat does not hold."""
    if name not in METRICS:
        raise StepError(f"metric: no metric {name!r}: expected one of {', '.join(METRICS)}")


def judge(gates: list[Gate], measured: dict[str, float], where: dict[str, str]) -> list[Check]:
    """Judge every gate; an undefined metric misses its gate.

    Parameters
    ----------
    gates : list of Gate
    measured : dict of str to float
        By the gates' metric names.
    where : dict of str to str
        What a figure stands for, where its name does not say it: a slice, an interval.

    Returns
    -------
    list of Check
    """
    return [
        Check(
            str(gate),
            bool(COMPARISONS[gate.comparison](measured[gate.metric], gate.bound)),
            f"{gate.metric} is {measured[gate.metric]:.4f}{where.get(gate.metric, '')}",
        )
        for gate in gates
    ]


def verdict_of(checks: list[Check]) -> dict[str, Any]:
    """Sum the checks up: ``verdict`` (VALIDATED or REJECTED), ``reasons`` and ``checks``."""
    missed = [str(check) for check in checks if not check.passed]
    return {
        "verdict": "REJECTED" if missed else "VALIDATED",
        "reasons": missed,
        "checks": [check._asdict() for check in checks],
    }
