"""The outermost layer: every request gets an id, a measurement, safe headers, and an answer whatever happens."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.http import problems
from shoplens import metrics
from shoplens.errors import InternalError

REQUEST_ID = "X-Request-Id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,128}")
UNKNOWN_ROUTE = "none"

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-site",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
"""What an answer carries unless it says otherwise itself; the page brings a policy of its own."""

log = structlog.get_logger(__name__)


class Requests:
    """ASGI middleware. The metric is labelled by route template, never by a raw path, whose number has no bound."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, dressed)
            except Exception as error:
                log.error("request_failed", path=scope["path"], exc_info=error)
                if status:  # the answer has begun: all that is left is to break it off
                    raise
                await problems.response(Request(scope), InternalError(problems.NEUTRAL))(scope, receive, dressed)
            finally:
                route = _template(scope)
                metrics.HTTP_SECONDS.labels(route, _method(scope), str(status or 500)).observe(time.perf_counter() - started)


def _template(scope: Scope) -> str:
    route = scope.get("route")
    if isinstance(route, Mount):
        return route.path
    return str(getattr(route, "path", UNKNOWN_ROUTE))


def _method(scope: Scope) -> str:
    """The method, or one name for all that HTTP does not know: a client may send any word."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "OTHER"
