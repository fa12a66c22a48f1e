"""Limits on uploads at the level of the protocol: what is read when, and when the answer goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from services.gateway.http.refusals import BodyTooLarge
from services.gateway.http.uploads import BodyLimit

LIMIT = 1_000


async def reader(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads its whole body, and says so if it may not."""
    try:
        read = 0
        while True:
            message = await receive()
            read += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        answer = PlainTextResponse(f"read {read}")
    except BodyTooLarge:
        answer = PlainTextResponse("refused", status_code=413)
    await answer(scope, receive, send)


def told(chunks: Iterable[bytes], *headers: tuple[bytes, bytes], max_drained: int = 10_000) -> list[str]:
    """What happened, in order: each chunk read, the answer's start and its end."""
    events: list[str] = []
    waiting = list(chunks)

    async def receive() -> Message:
        if not waiting:
            return {"type": "http.disconnect"}
        chunk = waiting.pop(0)
        events.append(f"read {len(chunk)}")
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            events.append(str(message["status"]))
        elif not message.get("more_body", False):
            events.append("end")

    scope: dict[str, Any] = {"type": "http", "path": "/", "method": "POST", "headers": list(headers)}
    asyncio.run(BodyLimit(reader, limit=lambda _: LIMIT, max_drained_bytes=max_drained)(scope, receive, send))
    return events


def length(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", str(size).encode())


CHUNKED = (b"transfer-encoding", b"chunked")


def test_a_body_within_its_limit_is_read_and_answered() -> None:
    assert told([bytes(600), bytes(400)], length(1_000)) == ["read 600", "read 400", "200", "end"]


def test_a_declared_length_too_large_is_refused_unread_and_then_dropped() -> None:
    assert told([bytes(600), bytes(600)], length(1_200)) == ["413", "read 600", "read 600", "end"]


def test_an_undeclared_length_is_refused_at_the_first_byte_too_many() -> None:
    assert told([bytes(600), bytes(600), bytes(600)], CHUNKED) == ["read 600", "read 600", "413", "read 600", "end"]


def test_no_more_is_dropped_than_the_bound() -> None:
    assert told([bytes(600)] * 9, length(5_400), max_drained=1_000) == ["413", "read 600", "read 600", "end"]


def test_who_asks_before_sending_is_not_made_to_send() -> None:
    assert told([bytes(1_200)], length(1_200), (b"expect", b"100-continue")) == ["413", "end"]


@pytest.mark.parametrize("declared", [b"-1", b"x", b"", "²".encode()])
def test_a_length_that_is_no_number_is_not_believed(declared: bytes) -> None:
    assert told([bytes(600)], (b"content-length", declared), CHUNKED)[-2:] == ["200", "end"]
