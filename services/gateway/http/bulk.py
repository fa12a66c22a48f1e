"""Many lines in, as NDJSON, and a line out for each as each takes effect.

The upload is taken whole before the first answer goes out, to disk where it is large: a client that reads only after
having sent everything would else wait for a server that waits for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import IO, Any

import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.gateway.http import problems
from services.gateway.http.parts import Parts
from services.gateway.http.product_schemas import ImportLineOut
from services.gateway.http.refusals import UnsupportedMedia
from shoplens.errors import ShoplensError

NDJSON = "application/x-ndjson"
_IN_MEMORY_BYTES = 8_000_000

Outcomes = Callable[[IO[bytes]], Iterator[ImportLineOut]]
"""What becomes of each line of an upload, in order."""

log = structlog.get_logger(__name__)

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each line that was sent.",
        "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/ImportLineOut"}}},
    },
    **problems.documented(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.TOO_MANY_REQUESTS),
}


def documented(schema: str, description: str) -> dict[str, Any]:
    """The request body in the OpenAPI document; each line is of this schema."""
    content = {NDJSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"requestBody": {"required": True, "description": description, "content": content}}


async def answered(request: Request, parts: Parts, outcomes: Outcomes) -> StreamingResponse:
    """Takes the upload, then answers line by line. Raises ``UnsupportedMedia``, ``Overloaded`` and ``BodyTooLarge``."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in (NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"):
        raise UnsupportedMedia(f"Send one JSON object a line, with the header Content-Type: {NDJSON}.")
    parts.import_turns.take()
    upload = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115, closed when the answer has ended

    def finish() -> None:
        upload.close()
        parts.import_turns.give_back()

    try:
        async for chunk in request.stream():
            upload.write(chunk)
        upload.seek(0)
    except BaseException:
        finish()
        raise
    return _Answer(_lines(parts, outcomes(upload)), finish)


class _Answer(StreamingResponse):
    """Calls ``finish`` however the answer ends, even where its reader left before the first line."""

    def __init__(self, lines: AsyncIterator[str], finish: Callable[[], None]) -> None:
        super().__init__(lines, media_type=NDJSON)
        self._finish = finish

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._finish()


async def _lines(parts: Parts, outcomes: Iterator[ImportLineOut]) -> AsyncIterator[str]:
    """The answer's lines. Each step runs in a thread, under a deadline of its own."""
    answered = 0
    try:
        while (outcome := await parts.imports.run(partial(next, outcomes, None))) is not None:
            answered = outcome.line
            yield f"{outcome.model_dump_json()}\n"
    except ShoplensError as error:
        log.error("import_stopped", reason=error.reason, detail=error.message)
        stopped = ImportLineOut(line=answered + 1, product_id="", ok=False, error=f"The import stopped here: {error.message}")
        yield f"{stopped.model_dump_json()}\n"
