"""Everything but the answers themselves: probes, versions, metrics, schema and the page."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steps.server.openapi import schema_of
from steps.server.page import page
from steps.server.replies import ERROR_CODES

if TYPE_CHECKING:
    from steps.server.app import App

PATHS = (
    "/", "/health", "/invocations", "/metrics", "/openapi.json", "/ping", "/ready", "/version",
)  # fmt: skip


def pages_of(app: "App") -> Starlette:
    """Build the pages of a server."""

    async def alive(request: Request) -> Response:
        return Response("\n", media_type="application/json")

    async def ready(request: Request) -> Response:
        state = "draining" if app.draining else "ready" if app.ready else "saturated"
        return JSONResponse({"status": state}, 200 if app.ready else 503)

    async def version(request: Request) -> Response:
        return JSONResponse(app.model.version)

    async def metrics(request: Request) -> Response:
        return Response(app.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(request: Request) -> Response:
        return JSONResponse(schema_of(app.model))

    routes = {
        "/ping": alive, "/health": alive, "/ready": ready, "/version": version,
        "/metrics": metrics, "/openapi.json": openapi, "/": page,
    }  # fmt: skip
    pages = Starlette(
        routes=[Route(path, endpoint, methods=["GET"]) for path, endpoint in routes.items()],
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    pages.router.redirect_slashes = False  # it would lead to whatever host the request names
    return pages


async def _not_found(request: Request, error: Exception) -> Response:
    return _refused(404, f"expected one of {', '.join(PATHS)}")


async def _not_allowed(request: Request, error: Exception) -> Response:
    return _refused(405, f"{request.url.path}: expected GET", allow="GET")


def _refused(status: int, message: str, **headers: str) -> Response:
    code = ERROR_CODES.get(status, "BAD_REQUEST")
    return JSONResponse({"error_code": code, "message": message}, status, headers=headers)
