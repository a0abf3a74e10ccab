"""What the stores refuse, and what they no longer answer: told in words, and not waited for."""

import errno
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
import requests
from mlflow.environment_variables import (
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
)
from sqlalchemy.exc import InterfaceError, OperationalError

# in the words of an MLflow that did not keep the error itself; a proxy answers for a server
NO_ANSWER = re.compile(
    r"failed with exception HTTPS?ConnectionPool|failed with timeout exception"
    r"|error code 50[234]\b|too many 50[234] error responses"
)
NO_PLACE = re.compile(r"\[Errno (\d+)\] ([^:'\"\n]+)(?:: '([^']+)')?(?: -> '([^']+)')?")
REFUSED = re.compile(r"endpoint (\S+) failed with error code (40[13])\b|\b(40[13]) Client Error")
BRIEF = {MLFLOW_HTTP_REQUEST_MAX_RETRIES.name: "0", MLFLOW_HTTP_REQUEST_TIMEOUT.name: "4"}
REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EROFS: "make it writable, or choose another place",
    errno.EACCES: "make it writable, or choose another place",
    errno.EPERM: "make it writable, or choose another place",
}


def behind(error: BaseException | None) -> Iterator[BaseException]:
    """Go from an error to those that it was raised from."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def is_lost(error: BaseException) -> bool:
    """Tell whether an error, or one behind it, says that the tracking store does not answer."""
    return any(_says_lost(one) for one in behind(error))


def _says_lost(error: BaseException) -> bool:
    if isinstance(error, OperationalError | InterfaceError):
        return not isinstance(error.orig, sqlite3.Error)  # a file does not go away
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return True
    return bool(NO_ANSWER.search(str(error)))


@contextmanager
def closing(error: BaseException) -> Iterator[None]:
    """Close what an error leaves open; where the store is lost, without waiting for it again."""
    if not is_lost(error):
        yield
        return
    before = {name: os.environ.get(name) for name in BRIEF}
    os.environ.update(BRIEF)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def without_password(text: str) -> str:
    """Hide user, password and query of every address in a text; a query may hold a token.

    Examples
    --------
    >>> without_password("no answer from http://me:secret@host/api")
    'no answer from http://...@host/api'
    >>> without_password("https://host/table.csv?token=secret is gone")
    'https://host/table.csv?... is gone'
    """
    hidden = re.sub(r"://[^/\s]+@", "://...@", text)
    return re.sub(r"(https?://[^\s?#'\"]+)[?#][^\s'\";,]*", r"\1?...", hidden)


def explain(error: BaseException) -> str:
    """Say what a store's failure means and what to do; empty for any other error."""
    if is_lost(error):
        return (
            f"tracking: {mlflow.get_tracking_uri()} does not answer any more; once it does, run "
            "this step again"
        )
    for one in behind(error):
        refused = REFUSED.search(str(one))
        if refused:
            return _refusal(refused[1] or "the artifacts", refused[2] or refused[3])
        place = _no_place(one)
        if place:
            return place
    return ""


def _refusal(endpoint: str, status: str) -> str:
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    return (
        f"tracking: {mlflow.get_tracking_uri()} does not let {f'user {user!r}' if user else 'you'} "
        f"use {endpoint} (status {status}); ask its administrator for the permission"
    )


def _no_place(error: BaseException) -> str:
    number, reason, name = None, None, None
    if isinstance(error, OSError) and error.errno:
        number, reason, name = error.errno, error.strerror, error.filename2 or error.filename
    elif found := NO_PLACE.search(str(error)):  # in a list of failures
        number, reason, name = int(found[1]), found[2].strip(), found[4] or found[3]
    if number not in REMEDIES:
        return ""
    where = name or f"a file (temporary ones are in {tempfile.gettempdir()})"
    return f"storage: {where}: {reason}; {REMEDIES[number]}, and run this step again"
