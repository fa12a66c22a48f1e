"""``POST /v1/products:import``: many products as NDJSON, answered a line each as each can be found.

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
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.gateway.http import problems
from services.gateway.http.import_lines import Lines
from services.gateway.http.parts import Given, Parts
from services.gateway.http.product_schemas import ImportLineOut
from services.gateway.http.refusals import UnsupportedMedia
from shoplens.errors import ShoplensError

NDJSON = "application/x-ndjson"
_IN_MEMORY_BYTES = 8_000_000

router = APIRouter(prefix="/v1", tags=["products"])
log = structlog.get_logger(__name__)

_DOCUMENTED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A product a line, each with its `product_id`; empty lines are skipped.",
        "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/ProductLine"}}},
    }
}


@router.post(
    "/products:import",
    summary="Import many products",
    description="Answers a line for each line, in order. A bad line is reported with its number and reason; the rest goes in.",
    response_class=StreamingResponse,
    openapi_extra=_DOCUMENTED,
    responses={
        200: {
            "description": "A line for each line that was sent.",
            "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/ImportLineOut"}}},
        },
        **problems.documented(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.TOO_MANY_REQUESTS),
    },
)
async def import_products(request: Request, parts: Given) -> StreamingResponse:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in (NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"):
        raise UnsupportedMedia(f"Send a product a line, with the header Content-Type: {NDJSON}.")
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
    return _Answer(_answers(parts, upload), finish)


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


async def _answers(parts: Parts, upload: IO[bytes]) -> AsyncIterator[str]:
    """The answer's lines. Each step runs in a thread, under a deadline of its own."""
    lines = Lines(upload)
    outcomes = _reported(parts, lines)
    try:
        while (outcome := await parts.imports.run(partial(next, outcomes, None))) is not None:
            yield f"{outcome.model_dump_json()}\n"
    except ShoplensError as error:
        log.error("import_stopped", reason=error.reason, detail=error.message)
        stopped = ImportLineOut(line=lines.number, product_id="", ok=False, error=f"The import stopped here: {error.message}")
        yield f"{stopped.model_dump_json()}\n"


def _reported(parts: Parts, lines: Lines) -> Iterator[ImportLineOut]:
    for outcome in parts.ingest.put_many(lines.drafts()):
        yield from lines.refused_before_next()
        yield ImportLineOut(
            line=lines.answered(), product_id=outcome.product_id, ok=outcome.ok, error=None if outcome.ok else outcome.error
        )
    yield from lines.refused_before_next()
