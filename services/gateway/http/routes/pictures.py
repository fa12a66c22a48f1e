"""Catalogue pictures, as they came in or as thumbnails."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from services.gateway.http import problems, thumbnails
from services.gateway.http.identifiers import ImageId, ProductId
from services.gateway.http.parts import Given
from shoplens import images

CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=86400"
"""A picture may be replaced under its id, so it is asked for again after minutes; its ETag makes that cheap."""

_SAFE_TYPES = frozenset(images.MEDIA_TYPES.values())

router = APIRouter(prefix="/v1/products", tags=["products"])


@router.get(
    "/{product_id}/images/{image_id}",
    summary="Show a picture",
    description="The picture as it came in, or a JPEG thumbnail. Answers carry an `ETag`; send it as `If-None-Match`.",
    response_class=Response,
    responses={
        200: {"description": "The picture.", "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "You have it already."},
        **problems.documented(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS),
    },
)
async def picture(
    request: Request,
    parts: Given,
    product_id: ProductId,
    image_id: ImageId,
    width: Annotated[Literal["160", "320", "640"] | None, Query(description="A thumbnail at most this wide.")] = None,
) -> Response:
    known = request.headers.get("if-none-match", "")

    def work() -> Response:
        stored = parts.catalogue.picture(product_id, image_id)
        content_hash = images.content_hash(stored.content)
        headers = {"ETag": f'"{content_hash[:32]}{"-" + width if width else ""}"', "Cache-Control": CACHE_CONTROL}
        if headers["ETag"] in known:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if width:
            return Response(
                parts.thumbnails.of(stored.content, content_hash, int(width)), media_type=thumbnails.MEDIA_TYPE, headers=headers
            )
        media_type = stored.media_type if stored.media_type in _SAFE_TYPES else "application/octet-stream"
        return Response(stored.content, media_type=media_type, headers=headers)

    return await parts.reads.run(work)
