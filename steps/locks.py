"""One process at a time: a lock that ends with its process, on every platform."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 600.0  # seconds


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, waiting up to ten minutes for it.

    Parameters
    ----------
    path : Path
        A file that serves for nothing else. It stays, empty: removing it would let two in.
    """
    # SQLite locks files on every platform, and the lock goes with the process, however it ends
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()
