"""``POST /v1/copies``: where in the catalogue a picture is used, edited or not."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request

from services.gateway.http import copy_form, problems, search_form
from services.gateway.http.copy_form import CopyForm
from services.gateway.http.copy_schemas import CopiesOut
from services.gateway.http.parts import Given, Parts
from shoplens import images
from shoplens.domain import CopyOrder, CopyQuery

router = APIRouter(prefix="/v1", tags=["copies"])

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One of `image` and `url`; the rest is optional.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "image": {
                            "type": "string",
                            "format": "binary",
                            "description": "The picture: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.",
                        },
                        "url": {
                            "type": "string",
                            "description": "Where to fetch the picture. Private addresses are refused.",
                            "examples": ["https://shop.example/img/look-12.jpg"],
                        },
                        "sort": {
                            "type": "string",
                            "enum": [order.value for order in CopyOrder],
                            "default": "best",
                            "description": "What comes first: the surest match, the most edited, the one with the most pixels, or by "
                            "`published_at`; pictures without a date come last.",
                        },
                        "top_k": {
                            "type": "integer",
                            "minimum": 1,
                            "maximum": search_form.MAX_TOP_K,
                            "default": 20,
                            "description": "How many matches.",
                            "examples": [20],
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "/copies",
    summary="Find a picture's copies",
    description="The catalogue's pictures of which this one is a copy: the same file, or cut, mirrored, turned, framed, written on, "
    "recoloured, part of a collage or a screenshot. Never mere look-alikes: no match is an answer.",
    response_model=CopiesOut,
    openapi_extra=_FORM,
    responses=problems.documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    ),
)
async def copies(request: Request, parts: Given) -> CopiesOut:
    form = await copy_form.read(request, parts.settings.max_picture_bytes)
    return await parts.searches.run(lambda: CopiesOut.of(parts.copies.copies(_query(parts, form)), request_id=problems.request_id(request)))


def _query(parts: Parts, form: CopyForm) -> CopyQuery:
    content = parts.fetcher.fetch(form.url) if form.url is not None else form.image
    return CopyQuery(images.decode(content or b""), form.order, form.top_k)
