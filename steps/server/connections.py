"""Connections that send the head of a request in time and in bounds: uvicorn waits for any."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 65_536  # bytes of a request before its body
REFUSED = "HTTP/1.1 {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def bounded(timeout: float) -> type[HttpToolsProtocol]:
    """Make uvicorn's protocol end a connection whose request does not begin.

    Parameters
    ----------
    timeout : float
        Seconds for the head of a request, from the connection or from its own first byte.
    """

    class Bounded(HttpToolsProtocol):
        _head: int | None = 0  # bytes of it that came; None while a request is under way
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._head is not None:
                self._head += len(data)
            super().data_received(data)
            if not self._head:
                return
            if self._head > MAX_HEAD:
                self._refuse("431 Request Header Fields Too Large")
            elif self._timer is None:
                self._wait()

        def on_headers_complete(self) -> None:
            self._head = None
            self._cancel()
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._head = 0

        def _wait(self) -> None:
            self._timer = self.loop.call_later(timeout, self._refuse, "408 Request Timeout")

        def _cancel(self) -> None:
            if self._timer:
                self._timer.cancel()
                self._timer = None

        def _refuse(self, status: str) -> None:
            self._cancel()
            if not self.transport.is_closing():
                self.transport.write(REFUSED.format(status).encode())
                self.transport.close()

    return Bounded
