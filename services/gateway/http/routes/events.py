"""``POST /v1/events``: changes of the catalogue as they come over Kafka, for shops without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.gateway.http import bulk
from services.gateway.http.parts import Given, Parts
from services.gateway.http.product_schemas import ImportLineOut
from shoplens.domain import ProductDeletion, ProductDraft, ProductPatch
from shoplens.errors import InvalidArgument, NotFound
from shoplens.events import parse_event
from shoplens.products import named_product

router = APIRouter(prefix="/v1", tags=["products"])


@router.post(
    "/events",
    summary="Tell changes of the catalogue",
    description="The events of the update stream: an upsert, a patch or a deletion a line. They take effect in their order, and a line "
    "is answered once its event can be found. A bad line is reported with its number and reason; the rest takes effect. "
    "Events with a `version` may be told again: one that is no newer changes nothing.",
    response_class=StreamingResponse,
    openapi_extra=bulk.documented("EventLine", "An event a line, each with its `product_id`; empty lines are skipped."),
    responses=bulk.ANSWERS,
)
async def tell(request: Request, parts: Given) -> StreamingResponse:
    return await bulk.answered(request, parts, lambda upload: _told(parts, upload))


def _told(parts: Parts, upload: IO[bytes]) -> Iterator[ImportLineOut]:
    for number, line in enumerate(upload, start=1):
        if not line.strip():
            continue
        try:
            product_id = _apply(parts, line)
        except (InvalidArgument, NotFound) as error:
            yield ImportLineOut(line=number, product_id=named_product(line), ok=False, error=f"Line {number}: {error.message}")
        else:
            yield ImportLineOut(line=number, product_id=product_id, ok=True, error=None)


def _apply(parts: Parts, line: bytes) -> str:
    update = parse_event(None, line)
    match update:
        case ProductDraft():
            parts.ingest.put(update)
        case ProductPatch():
            parts.ingest.patch(update)
        case ProductDeletion():
            parts.ingest.delete(update.id, version=update.version)
    return update.id
