"""What the server allows."""

import os
import socket
from pathlib import Path
from typing import Any, NamedTuple

from steps.errors import StepError

LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Settings(NamedTuple):
    """Limits, and who may ask."""

    token: bytes | None  # what has to follow Bearer
    hosts: frozenset[bytes]  # that a Host header may name; empty: any
    max_bytes: int  # of a request's body
    max_rows: int  # of a request
    timeout: float  # seconds for a request to arrive, and for its answer
    concurrency: int  # requests at a time


def settings_of(params: dict[str, Any]) -> Settings:
    """Check the parameters of serve.

    Raises
    ------
    StepError
    """
    for name in ("max_bytes", "max_rows", "request_timeout", "concurrency"):
        if params[name] <= 0:
            raise StepError(f"{name}: expected more than 0, got {params[name]}")
    for name in ("reload_seconds", "drain_seconds"):
        if params[name] < 0:
            raise StepError(f"{name}: expected 0 or more, got {params[name]}")
    return Settings(
        _token(params["token_file"]),
        _hosts(params["hosts"], params["host"]),
        *(params[name] for name in ("max_bytes", "max_rows", "request_timeout", "concurrency")),
    )


def _token(path: str) -> bytes | None:
    if not path:
        return None
    try:
        token = Path(path).expanduser().read_bytes().strip()
    except OSError as error:
        raise StepError(f"token_file: cannot read {path}: {error.strerror}") from error
    if len(token.split()) != 1:
        raise StepError(f"token_file: expected one word in {path}, got {len(token.split())}")
    return token


def _hosts(names: str, host: str) -> frozenset[bytes]:
    """Find which hosts may be named: by default this machine's, or any where others may ask."""
    allowed = [name.strip().lower() for name in names.split(",") if name.strip()]
    if not allowed and host in ("localhost", "127.0.0.1", "::1"):
        allowed = [*LOCAL]
    return frozenset(name.encode() for name in allowed if name != "*")


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to serve at.

    Raises
    ------
    StepError
        When the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number else error
        raise StepError(
            f"port: cannot listen at {host}:{port}: {reason}; choose another port or host"
        ) from error
