"""Limits on what a request may bring, held while it streams in.

A body over its limit ends in 413 as soon as that is known: by its declared length before a byte is read, else at the
first byte too many. Many clients read an answer only after having sent everything, and would see a broken connection
instead of the reason; so the answer goes out at once and the rest of the upload is read and dropped, up to a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.http.refusals import BodyTooLarge

DRAIN_S = 10.0


class BodyLimit:
    """ASGI middleware: ``limit(path)`` is the most bytes that a request's body may have."""

    def __init__(self, app: ASGIApp, *, limit: Callable[[str], int], max_drained_bytes: int) -> None:
        self._app = app
        self._limit = limit
        self._max_drained_bytes = max_drained_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(Headers(scope=scope), receive, send, self._limit(scope["path"]), self._max_drained_bytes)
        await self._app(scope, body.receive, body.send)


class _Body:
    """One request's body on its way in, and the answer's end on its way out."""

    def __init__(self, headers: Headers, receive: Receive, send: Send, limit: int, max_drained: int) -> None:
        declared = headers.get("content-length", "")
        self._declared = int(declared) if declared.isdecimal() else 0
        self._has_body = self._declared > 0 or "transfer-encoding" in headers
        self._asks_first = "expect" in headers
        self._receive = receive
        self._send = send
        self._limit = limit
        self._max_drained = max_drained
        self._read = 0
        self._ended = False

    async def receive(self) -> Message:
        if self._declared > self._limit or self._read > self._limit:
            raise self._too_large()
        message = await self._next()
        if self._read > self._limit:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not last or self._ended or not self._has_body or (self._asks_first and self._read == 0):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._drain()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def _drain(self) -> None:
        most = self._read + self._max_drained
        try:
            async with asyncio.timeout(DRAIN_S):
                while not self._ended and self._read < most:
                    await self._next()
        except TimeoutError:
            self._ended = True

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The request has more than {self._limit:,} bytes; send at most that many.")
