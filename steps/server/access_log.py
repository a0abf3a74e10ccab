"""One line of JSON a request."""

import sys
import time
from typing import IO, Any

import msgspec

from steps.server.replies import Scope

_encode = msgspec.json.Encoder().encode


class AccessLog:
    """Writes to stdout; what cannot be written is dropped, never a request."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self._file = file or sys.stdout.buffer

    def write(
        self,
        scope: Scope,
        request_id: bytes,
        status: int,
        seconds: float,
        rows: int,
        version: dict[str, Any],
    ) -> None:
        """Tell of one request: never of what stood in it."""
        client = scope.get("client")
        line = {
            "time": time.time(),
            "request_id": request_id.decode("latin-1"),
            "client": client[0] if client else None,
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(seconds * 1000, 3),
            "rows": rows,
            "model_version": version["model_version"],
        }
        try:
            self._file.write(_encode(line) + b"\n")
            self._file.flush()
        except (OSError, ValueError):
            pass
