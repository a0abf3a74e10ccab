"""What a caller did that is refused."""

from collections.abc import Container
from typing import Any


class RequestError(Exception):
    """A request that is refused: its status, and what was expected and what came."""

    def __init__(self, message: str, status: int = 400, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


class DisconnectError(Exception):
    """The caller went away."""


def kind_of(value: Any) -> str:
    """Name what came in the words of JSON."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
    return "null" if value is None else kinds.get(type(value), "a number")


def check_names(given: Container[Any], names: list[str]) -> None:
    """Refuse rows that lack a feature."""
    missing = [name for name in names if name not in given]
    if missing:
        raise RequestError(f"missing columns {missing}: expected {names}")


def check_once(given: list[Any], names: list[str]) -> None:
    """Refuse a feature that is given twice."""
    twice = [name for name in names if given.count(name) > 1]
    if twice:
        raise RequestError(f"columns {twice} are given twice: expected each one once")


def check_count(n_rows: int, max_rows: int) -> None:
    """Refuse too many rows."""
    if n_rows > max_rows:
        raise RequestError(f"expected at most {max_rows} rows, got {n_rows}", 413)
