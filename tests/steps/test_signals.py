import os
import signal
import subprocess
import sys
import time
import weakref

import pytest

from steps.errors import Stopped
from steps.signals import stoppable, undivided


def send(name: str) -> None:
    os.kill(os.getpid(), getattr(signal, name))


def stopped(work) -> str:
    """Do some work that is to be stopped; returns by what."""
    with pytest.raises(Stopped) as caught, stoppable():
        work()
    return str(caught.value)


def test_a_signal_waits_until_what_must_not_be_done_by_half_is_done():
    done = []

    def work():
        with undivided():
            send("SIGTERM")
            done.append("whole")
        done.append("never")

    assert (stopped(work), done) == ("stopped by SIGTERM", ["whole"])


def test_an_undivided_part_of_an_undivided_part_lets_no_signal_through():
    done = []

    def work():
        with undivided():
            with undivided():
                send("SIGTERM")
            done.append("whole")

    assert (stopped(work), done) == ("stopped by SIGTERM", ["whole"])


def test_a_second_signal_does_not_interrupt_the_closing():
    closed = []

    def work():
        try:
            send("SIGTERM")
        finally:
            send("SIGINT")
            closed.append(True)

    assert (stopped(work), closed) == ("stopped by SIGTERM", [True])


def test_a_signal_that_comes_in_a_callback_that_drops_exceptions_comes_again():
    class Thing:
        pass

    def work():
        thing = Thing()
        kept = weakref.ref(thing, lambda _: send("SIGTERM"))
        del thing
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            pass
        del kept

    assert stopped(work) == "stopped by SIGTERM"


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            send("SIGHUP")
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


POOL = """
import os, signal
from concurrent.futures import ThreadPoolExecutor
from steps.errors import Stopped
from steps.signals import stoppable

class Threads(set):
    def add(self, thread):
        os.kill(os.getpid(), signal.SIGTERM)
        super().add(thread)

pool = ThreadPoolExecutor(1)
pool._threads = Threads()
try:
    with stoppable():
        pool.submit(int)
        while True:
            pass
except Stopped as error:
    print(error)
"""


def test_a_signal_that_comes_while_a_pool_starts_a_thread_does_not_hang_the_end():
    # the thread runs by then, but the pool does not know it, and would not end it
    ended = subprocess.run(
        [sys.executable, "-c", POOL], capture_output=True, text=True, timeout=30, check=True
    )
    assert ended.stdout == "stopped by SIGTERM\n"
