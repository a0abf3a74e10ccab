"""Answers as JSON, refusals in the form of MLflow's."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from steps.server.errors import RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ERROR_CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
JSON_HEADER = (b"content-type", b"application/json")
_encode = msgspec.json.Encoder().encode


async def send_json(send: Send, status: int, body: bytes, **headers: str) -> None:
    """Send a whole answer."""
    length = (b"content-length", b"%d" % len(body))
    further = [(name.encode(), value.encode()) for name, value in headers.items()]
    start = {"type": "http.response.start", "status": status}
    await send(start | {"headers": [JSON_HEADER, length, *further]})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, error: RequestError) -> None:
    """Say why there is no answer."""
    code = ERROR_CODES.get(error.status, "BAD_REQUEST")
    body = _encode({"error_code": code, "message": str(error)})
    await send_json(send, error.status, body, **error.headers)
