import fcntl
import os
import pty
import struct
import sys
import termios
from typing import NamedTuple

from steps import progress
from steps.progress import shown


class Done(NamedTuple):
    n_rows: int
    share: float


END = "END"
PARTS = [Done(1000, 0.25), Done(1000, 0.5), Done(2000, 1.0)]


def printed_to_a_terminal(monkeypatch) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 25, 100, 0, 0))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(progress, "PATIENCE", 0)
        monkeypatch.setattr(progress, "EVERY", 0)
        assert list(shown("scoring t.csv", PARTS)) == PARTS
        print(END, file=terminal, flush=True)
        printed = ""
        while END not in printed:  # a terminal gives what it has, not all that was written
            printed += os.read(ours, 100_000).decode()
        return printed


def test_a_terminal_shows_rows_and_how_many_there_will_be(monkeypatch):
    printed = printed_to_a_terminal(monkeypatch)
    assert "scoring t.csv:  50%" in printed
    assert "2.00k/4.00k" in printed
    assert "rows/s" in printed


def test_nothing_is_shown_elsewhere(capfd):
    list(shown("scoring t.csv", PARTS))
    assert capfd.readouterr() == ("", "")
