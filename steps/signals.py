"""Signals that stop a step: each ends its run instead of leaving it RUNNING."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from steps.errors import Stopped

STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class _Hold:
    """Whether signals wait, and the one that does."""

    depth = 0
    waiting: int | None = None


def _stop(number: int, frame: FrameType | None) -> None:
    if _Hold.depth:
        _Hold.waiting = number
        return
    for other in STOPPING:  # nothing may interrupt the closing of the run
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first signal into ``Stopped``; those that are ignored, as under nohup, stay so."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undivided() -> Iterator[None]:
    """Let signals wait while something is done that must not be done by half."""
    # a mask would not do: another thread would take the signal, and Python run the handler here
    _Hold.depth += 1
    try:
        yield
    finally:
        _Hold.depth -= 1
        number, _Hold.waiting = _Hold.waiting, None
    if number is not None:
        _stop(number, None)
