"""The body of a request, in time and in bounds."""

import asyncio

from steps.server.errors import DisconnectError, RequestError
from steps.server.replies import Receive
from steps.server.settings import Settings


async def read_body(headers: dict[bytes, bytes], receive: Receive, settings: Settings) -> bytes:
    """Read a body.

    Raises
    ------
    RequestError
        With 413 when it is too large, 408 when it takes too long.
    DisconnectError
    """
    # int refuses more than 4300 digits, even zeros
    if int(headers.get(b"content-length", b"").lstrip(b"0") or b"0") > settings.max_bytes:
        raise _too_large(settings)
    task = asyncio.current_task()
    assert task is not None
    late = False

    def stop() -> None:
        nonlocal late
        late = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(settings.timeout, stop)
    try:
        return await _read(receive, settings)
    except asyncio.CancelledError:
        if not late:
            raise
        raise RequestError(
            f"expected the whole body within {settings.timeout:g} seconds", 408, connection="close"
        ) from None
    finally:
        timer.cancel()


async def _read(receive: Receive, settings: Settings) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > settings.max_bytes:
            raise _too_large(settings)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(settings: Settings) -> RequestError:
    return RequestError(
        f"body: expected at most {settings.max_bytes} bytes (max_bytes), got more; send fewer rows "
        "at a time",
        413,
        connection="close",
    )
