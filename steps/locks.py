"""One process at a time: locks that end with their process, on every platform."""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

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


@contextmanager
def alone_at(uri: str, what: str) -> Iterator[None]:
    """Be the only process that does something at a store; not reentrant.

    Parameters
    ----------
    uri : str
        Of a tracking store or a registry. PostgreSQL keeps the lock itself, for every machine;
        beside a SQLite file lies a lock file; a server has no locks to offer, so that there one
        stands for this machine and user only.
    what : str
    """
    address = uri if uri.startswith("http") else ""  # a database's locks are its own
    name = hashlib.sha256(f"pyfunc-classifier {address} {what}".encode()).hexdigest()
    if uri.startswith(("http://", "https://")):
        user = os.getuid() if hasattr(os, "getuid") else ""  # who may not write another's file
        with locked(Path(tempfile.gettempdir(), f"pyfunc-classifier-{user}-{name[:16]}.lock")):
            yield
    elif uri.startswith("sqlite:") and make_url(uri).database:
        with locked(Path(f"{make_url(uri).database}.{what}.lock")):
            yield
    elif uri.startswith("postgresql"):
        # the lock goes with the connection, so that must not wait in a pool
        with create_engine(uri, poolclass=NullPool).connect() as connection:
            key = {"key": int(name[:15], 16)}
            connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
            yield
    else:
        yield
