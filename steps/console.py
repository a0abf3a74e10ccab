"""What the person at the terminal sees."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

PATIENCE = 2.0  # seconds before a wait shows


def table(title: str, rows: Mapping[str, Any]) -> None:
    """Print a short two-column table."""
    width = max(map(len, rows), default=0)
    print(f"\n{title}")
    for name, value in rows.items():
        shown = f"{value:.4f}" if isinstance(value, float) else value
        print(f"  {name:<{width}}  {shown}")
    sys.stdout.flush()


def warn(message: str) -> None:
    """Print a warning line."""
    print(f"warning: {message}", file=sys.stderr, flush=True)


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Show on a terminal, after two seconds, what takes so long and for how long; or nothing."""
    if not (doing and sys.stderr.isatty()):
        yield
        return
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(doing, done), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()


def _tick(doing: str, done: threading.Event) -> None:
    start = time.monotonic()
    pause, shown = PATIENCE, False
    while not done.wait(pause):
        pause, shown = 0.5, True
        sys.stderr.write(f"\r{doing} ... {time.monotonic() - start:.0f} s")
        sys.stderr.flush()
    if shown:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()
