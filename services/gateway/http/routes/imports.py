"""``POST /v1/products:import``: many products as NDJSON, answered a line each as each can be found."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.gateway.http import bulk
from services.gateway.http.import_lines import Lines
from services.gateway.http.parts import Given, Parts
from services.gateway.http.product_schemas import ImportLineOut

router = APIRouter(prefix="/v1", tags=["products"])


@router.post(
    "/products:import",
    summary="Import many products",
    description="Answers a line for each line, in order. A bad line is reported with its number and reason; the rest goes in.",
    response_class=StreamingResponse,
    openapi_extra=bulk.documented("ProductLine", "A product a line, each with its `product_id`; empty lines are skipped."),
    responses=bulk.ANSWERS,
)
async def import_products(request: Request, parts: Given) -> StreamingResponse:
    return await bulk.answered(request, parts, lambda upload: _reported(parts, Lines(upload)))


def _reported(parts: Parts, lines: Lines) -> Iterator[ImportLineOut]:
    for outcome in parts.ingest.put_many(lines.drafts()):
        yield from lines.refused_before_next()
        yield ImportLineOut(
            line=lines.answered(), product_id=outcome.product_id, ok=outcome.ok, error=None if outcome.ok else outcome.error
        )
    yield from lines.refused_before_next()
