"""serve: answer requests for a packaged model, in the protocol of ``mlflow models serve``."""

import asyncio
import functools
import logging
import os
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from steps.errors import TRACEBACK_VARIABLE, StepError, Stopped, reason_of
from steps.parameters import convert, split_arguments
from steps.server.access_log import AccessLog
from steps.server.app import App
from steps.server.connections import bounded
from steps.server.settings import listen, settings_of
from steps.server.source import Source, follow
from steps.signals import stoppable

LINGER = 0.5  # seconds for requests that are on their way when the server ends


class DrainingServer(uvicorn.Server):
    """Goes on for a while after SIGTERM, not ready any more, so that nothing sent to it is lost."""

    def __init__(self, config: uvicorn.Config, app: App, seconds: float) -> None:
        super().__init__(config)
        self._app, self._seconds = app, seconds
        self._end = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at once for Ctrl-C or a second signal."""
        if self._app.draining or sig != signal.SIGTERM:
            self.force_exit = self.should_exit
            self.should_exit = True
        self._app.draining = True
        self._end = min(self._end, time.monotonic() + self._seconds)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, then answer whoever came before they could know."""
        for listening in sockets or []:
            with listening.dup() as waiting:
                for server in self.servers:
                    server.close()
                listening.close()
                await self._take(waiting)
        deadline = time.monotonic() + LINGER
        while self.server_state.connections and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        await super().shutdown(sockets)

    async def _take(self, waiting: socket.socket) -> None:
        """Take the connections that wait already: closing the socket would reset them."""
        loop = asyncio.get_running_loop()
        taken = []
        with suppress(BlockingIOError):
            while True:
                taken.append(waiting.accept()[0])
        waiting.close()
        for connection in taken:
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether it is time to end."""
        return await super().on_tick(counter) or time.monotonic() > self._end


def run(declared: dict[str, str], further: dict[str, str]) -> None:
    """Run the step: returns when a signal ends it and every request is answered."""
    params = convert("serve", declared, further)
    settings = settings_of(params)
    source = Source(params["model_uri"].rstrip("/"))
    with listen(params["host"], params["port"]) as listening:
        with stoppable():
            model = source.open()
        app = App(model, settings, AccessLog())
        if source.moves and params["reload_seconds"]:
            app.background = functools.partial(follow, source, app, params["reload_seconds"])
        config = uvicorn.Config(
            app,
            http=bounded(settings.timeout),
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=int(settings.timeout) + 1,
        )
        print(_started(app, params), file=sys.stderr, flush=True)
        DrainingServer(config, app, params["drain_seconds"]).run(sockets=[listening])


def _started(app: App, params: dict[str, Any]) -> str:
    version, host = app.model.version, params["host"]
    name = params["model_uri"]
    if version["model_name"]:
        name = f"{version['model_name']} version {version['model_version']}"
    host = f"[{host}]" if ":" in host else host
    return f"serving {name} at http://{host}:{params['port']}"


def launch(argv: list[str]) -> int:
    """Run the step from the command line, without MLflow unless the model's URI needs it.

    Returns
    -------
    int
        Exit status, as of ``steps.runs.launch``.
    """
    declared, further, show_stack = split_arguments("serve", argv)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # at every reload
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        run(declared, further)
    except (StepError, Stopped) as error:
        if show_stack or os.environ.get(TRACEBACK_VARIABLE):
            traceback.print_exc()
        print(f"error: {reason_of(error)}", file=sys.stderr)
        return getattr(error, "exit_status", 1)
    return 0


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))
