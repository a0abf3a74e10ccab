"""The server as an ASGI application: who may ask, how much, and what it costs."""

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from custom_model.predictor import usable_cores
from steps.server.access_log import AccessLog
from steps.server.bodies import read_body
from steps.server.callers import Callers
from steps.server.errors import DisconnectError, RequestError
from steps.server.metrics import Metrics
from steps.server.model import Answer, Model
from steps.server.observed import Observed
from steps.server.pages import PATHS, pages_of
from steps.server.replies import Message, Receive, Scope, Send, refuse, send_json
from steps.server.requests import JSON
from steps.server.settings import Settings

INVOCATIONS = "/invocations"
PAGE = "/"  # tells nothing of the model: it asks for the token itself
INLINE_BYTES = 16_384  # a larger body, or a table, is answered in a thread: others would wait
OPEN_PATHS = ("/ping", "/health", "/ready")  # probes know neither a token nor a name for the host

_logger = logging.getLogger("pyfunc_classifier")


class App:
    """Serves a model, which may be replaced while requests are under way.

    Parameters
    ----------
    model : Model
    settings : Settings
    log : AccessLog
    """

    def __init__(self, model: Model, settings: Settings, log: AccessLog) -> None:
        self.settings, self._log = settings, log
        self.replace(model)
        self.in_flight = 0  # requests for answers that are under way
        self.metrics = Metrics(self)
        self.draining = False
        self.background: Callable[[], Awaitable[None]] | None = None  # runs while it serves
        self._pool = ThreadPoolExecutor(usable_cores(), "large-request")
        self._pages = pages_of(self)
        self._callers = Callers(settings)
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(6).hex()

    def replace(self, model: Model) -> None:
        """Answer the next request with another version; those under way keep theirs."""
        self.model, self.observed = model, Observed(model.contract)

    @property
    def ready(self) -> bool:
        """Whether another request would be taken."""
        return not self.draining and self.in_flight < self.settings.concurrency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection of ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._handle(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        task = asyncio.ensure_future(self.background()) if self.background else None
        await send({"type": "lifespan.startup.complete"})
        with suppress(asyncio.CancelledError):  # a second Ctrl-C does not wait for the rest
            await receive()
        if task:
            task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = self._request_id(headers)
        path, rows, status = scope["path"], 0, 0
        further = [(b"x-request-id", request_id)]
        if self.draining:
            further.append((b"connection", b"close"))

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *further]
            await send(message)

        try:
            if path not in OPEN_PATHS:
                self._callers.check(headers, token=path != PAGE)
            if path == INVOCATIONS:
                if scope["method"] != "POST":
                    raise RequestError(f"{path}: expected POST", 405, allow="POST")
                found = await self._invoke(headers, receive)
                rows = len(found.matrix)
                await send_json(answer, 200, found.body)
            else:
                await self._pages(scope, receive, answer)
        except RequestError as error:
            await refuse(answer, error)
        except DisconnectError:
            status = 499  # in the words of nginx
        except asyncio.CancelledError:  # a second signal, and uvicorn would print the stack
            if not status:
                await refuse(answer, RequestError("the server ends", 503))
        except Exception:
            _logger.exception("request %s failed", request_id.decode("latin-1"))
            if not status:
                await refuse(answer, RequestError("the server failed on this request", 500))
        finally:
            seconds = time.perf_counter() - start
            known = path if path in PATHS else "other"
            self.metrics.count(known, status, seconds, rows)
            self._log.write(scope, request_id, status, seconds, rows, self.model.version)

    def _request_id(self, headers: dict[bytes, bytes]) -> bytes:
        given = headers.get(b"x-request-id", b"")
        if given and len(given) <= 128 and given.replace(b"-", b"").replace(b"_", b"").isalnum():
            return given
        return b"%s-%x" % (self._id_prefix.encode(), next(self._ids))

    async def _invoke(self, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        if self.in_flight >= self.settings.concurrency:
            raise RequestError(
                f"busy: {self.in_flight} requests under way; try again in a second", 429,
                **{"retry-after": "1"},
            )  # fmt: skip
        self.in_flight += 1
        try:
            body = await read_body(headers, receive, self.settings)
            model, observed = self.model, self.observed
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            if len(body) <= INLINE_BYTES and content_type.startswith(JSON):
                found = model.respond(body, content_type, self.settings.max_rows)
            else:
                found = await self._in_thread(model, body, content_type)
        finally:
            self.in_flight -= 1
        observed.add(found.matrix)
        return found

    async def _in_thread(self, model: Model, body: bytes, content_type: str) -> Answer:
        work = self._pool.submit(model.respond, body, content_type, self.settings.max_rows)
        future = asyncio.wrap_future(work)
        done, _ = await asyncio.wait([future], timeout=self.settings.timeout)
        if done:
            return future.result()
        if not work.cancel():  # the thread has begun, goes on and keeps its place
            self.in_flight += 1
            future.add_done_callback(self._free)
        raise RequestError(
            f"no answer within {self.settings.timeout:g} seconds; send fewer rows at a time", 504
        )

    def _free(self, late: asyncio.Future[Answer]) -> None:
        self.in_flight -= 1
        late.exception()  # nobody else asks for it
