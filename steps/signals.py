"""Signals that stop a step: each ends its run instead of leaving it RUNNING."""

import _thread
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any

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
    elif _starting_a_thread(frame):
        _send_again(number)
    elif not _closing():
        raise Stopped(number)


def _starting_a_thread(frame: FrameType | None) -> bool:
    """Tell whether a pool starts a thread: one it does not know of it never ends."""
    starts = ThreadPoolExecutor._adjust_thread_count.__code__
    while frame is not None and frame.f_code is not starts:
        frame = frame.f_back
    return frame is not None


def _closing() -> bool:
    """Tell whether a signal is being handled: nothing may interrupt the closing of the run."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None


def _again(unraisable: Any) -> None:
    """Send a signal again that came in a callback, where Python drops every exception."""
    error = unraisable.exc_value
    if isinstance(error, Stopped):
        _send_again(error.exit_status - 128)
    else:
        sys.__unraisablehook__(unraisable)


def _send_again(number: int) -> None:
    def wait_and_send() -> None:
        time.sleep(0.05)
        os.kill(os.getpid(), number)

    # threading would take a lock that is held where a thread is being started
    _thread.start_new_thread(wait_and_send, ())


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn a signal into ``Stopped``; those that are ignored, as under nohup, stay so."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _stop)
    hook, sys.unraisablehook = sys.unraisablehook, _again
    try:
        yield
    finally:
        sys.unraisablehook = hook
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
