"""The failures of a step, and how each is told in one line."""

import signal
from collections.abc import Iterable

MOST_NAMES = 10
TRACEBACK_VARIABLE = "PYFUNC_CLASSIFIER_TRACEBACK"


class StepError(Exception):
    """Says in one line what was expected, what came and what to do next."""


class Stopped(BaseException):
    """A signal came."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_status = 128 + number


def reason_of(error: BaseException) -> str:
    """Say in one line why a step failed."""
    from mlflow.exceptions import MlflowException  # the server starts without MLflow

    from steps.outage import explain, without_password

    told = "" if isinstance(error, StepError | Stopped) else explain(error)
    text = told or getattr(error, "message", str(error))
    text = text.partition("\n[SQL:")[0]  # what was asked of a database helps nobody
    lines = without_password(text).strip().splitlines() or ["no message"]
    if told or isinstance(error, StepError | MlflowException | Stopped):
        return " ".join(lines)
    return (
        f"unexpected {type(error).__name__}: {lines[0]} "
        f"(for the stack: --traceback, or {TRACEBACK_VARIABLE}=1)"
    )


def listed(names: Iterable[str]) -> str:
    """List names for a sentence, the first ten of many.

    Examples
    --------
    >>> listed(["a", "b"])
    'a, b'
    """
    names = list(names)
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
