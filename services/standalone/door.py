"""The application that is there from the first moment: alive at once, the gateway as soon as its parts are."""

from __future__ import annotations

import json
from typing import Final

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

_PROBLEM: Final = {
    "type": "/problems/unavailable",
    "title": "A part is not reachable",
    "status": 503,
    "detail": "shoplens is starting; try again in a second.",
}


class Door:
    """Answers ``/healthz`` and asks everybody else to wait; once it was opened, hands everything on."""

    def __init__(self) -> None:
        self._inside: Starlette | None = None

    def open(self, inside: Starlette) -> None:
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._inside is not None:
            inside: ASGIApp = self._inside
            await inside(scope, receive, send)
        elif scope["path"] == "/healthz":
            await _answer(send, 200, "application/json", {"status": "ok"})
        else:
            await _answer(send, 503, "application/problem+json", _PROBLEM | {"instance": scope["path"]})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._inside is not None:
            # It was opened after the start, so its own start and end both come now; what matters is the end.
            async with self._inside.router.lifespan_context(self._inside):
                pass
        await send({"type": "lifespan.shutdown.complete"})


async def _answer(send: Send, status: int, media_type: str, document: object) -> None:
    headers = [(b"content-type", media_type.encode()), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})
