"""Signals that stop a step: each ends its run instead of leaving it RUNNING."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from steps.errors import Stopped

STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def _stop(number: int, frame: FrameType | None) -> None:
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
    """Hold signals back while something is done that must not be done by half."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
