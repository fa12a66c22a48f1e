"""``POST /v1/search``, ``GET /v1/products/{id}/similar`` and the categories that a search may be told."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.gateway.http import problems, search_form
from services.gateway.http.identifiers import ProductId
from services.gateway.http.parts import Given, Parts
from services.gateway.http.search_form import SearchForm
from services.gateway.http.search_schemas import SearchOut
from shoplens import filters, images
from shoplens.domain import Impression, SearchAnswer, SearchQuery
from shoplens.taxonomy import taxonomy

router = APIRouter(prefix="/v1", tags=["search"])

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One of `image`, `url` and `product_id`; the rest is optional.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "image": {
                            "type": "string",
                            "format": "binary",
                            "description": "The photo: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, up to 30 MB.",
                        },
                        "url": {
                            "type": "string",
                            "description": "Where to fetch the photo. Private addresses are refused.",
                            "examples": ["https://shop.example/img/look-12.jpg"],
                        },
                        "product_id": {
                            "type": "string",
                            "description": "A product of the catalogue to find the like of.",
                            "examples": ["SKU-1042"],
                        },
                        "box": {
                            "type": "string",
                            "description": "What in the photo is meant: JSON `[x0, y0, x1, y1]`, relative to the upright photo. "
                            "Left out, the region that stands out is taken.",
                            "examples": ["[0.2, 0.1, 0.8, 0.7]"],
                        },
                        "category": {
                            "type": "string",
                            "description": "What it is, where the guess is wrong: a name of /v1/categories, or a common synonym.",
                            "examples": ["shirt"],
                        },
                        "text": {
                            "type": "string",
                            "maxLength": search_form.MAX_TEXT,
                            "description": "What the photo does not show: colours and attributes become targets, the rest is matched "
                            "by words with titles, brands and descriptions.",
                            "examples": ["this, but in red, with long sleeves"],
                        },
                        "filter": {
                            "type": "string",
                            "maxLength": filters.MAX_LENGTH,
                            "description": "What a product must fulfil: category, brand, price, currency, in_stock, title, product_id or "
                            "any attribute by its name, with `= != < <= > >= IN AND OR NOT ( )`. The language is that of AIP-160: OR binds "
                            "closer than AND.",
                            "examples": ['price < 50 AND in_stock = true AND colour IN (red, "dark blue")'],
                        },
                        "region_score": {
                            "type": "number",
                            "minimum": 0,
                            "maximum": 1,
                            "description": "Regions less sure than this are left out; 0 returns all.",
                            "examples": [0.5],
                        },
                        "top_k": {
                            "type": "integer",
                            "minimum": 1,
                            "maximum": search_form.MAX_TOP_K,
                            "default": 20,
                            "description": "How many results.",
                            "examples": [20],
                        },
                        "weights": {
                            "type": "string",
                            "description": "How much each part counts: JSON, part → 0..10. Parts left out keep their weight. "
                            "`variety` lets likes give way to one another.",
                            "examples": ['{"visual": 1, "colour": 2}'],
                        },
                        "explain": {
                            "type": "boolean",
                            "default": False,
                            "description": "Add an `explanation` to each result.",
                            "examples": [True],
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "/search",
    summary="Find a photo's products",
    description="The shop's products that look like what the photo shows, best first.",
    response_model=SearchOut,
    response_model_exclude_unset=True,
    openapi_extra=_FORM,
    responses=problems.documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    ),
)
async def search(request: Request, parts: Given) -> Response:
    form = await search_form.read(request, parts.settings.max_picture_bytes)
    return await parts.searches.run(lambda: _answer(_told(parts, _searched(parts, form), problems.request_id(request), form.explain)))


@router.get(
    "/products/{product_id}/similar",
    summary="More like this",
    description="Products that look like one of the catalogue's own, from its stored vectors: nothing is encoded.",
    response_model=SearchOut,
    response_model_exclude_unset=True,
    responses=problems.documented(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
async def similar(
    request: Request,
    parts: Given,
    product_id: ProductId,
    top_k: Annotated[int, Query(ge=1, le=search_form.MAX_TOP_K, description="How many results.")] = 20,
) -> SearchOut:
    def work() -> SearchOut:
        return _told(parts, parts.search.similar(product_id, top_k=top_k), problems.request_id(request), explain=False)

    return await parts.searches.run(work)


class GroupOut(BaseModel):
    """A kind of thing, and what it divides into."""

    name: str = Field(description="A group: what a region is called.", examples=["top"])
    leaves: list[str] = Field(description="Its leaves: what a guess is called.", examples=[["t-shirt", "polo", "shirt"]])


class CategoriesOut(BaseModel):
    groups: list[GroupOut] = Field(description="Every group, with its leaves.")


@router.get("/categories", summary="The categories", description="Every name that `category` takes.")
async def categories() -> CategoriesOut:
    tree = taxonomy()
    return CategoriesOut(
        groups=[GroupOut(name=group, leaves=[leaf for leaf, above in tree.leaves.items() if above == group]) for group in tree.groups]
    )


def _searched(parts: Parts, form: SearchForm) -> SearchAnswer:
    content = parts.fetcher.fetch(form.url) if form.url is not None else form.image
    return parts.search.search(
        SearchQuery(
            picture=images.decode(content) if content is not None else None,
            product_id=form.product_id,
            box=form.box,
            category=form.category,
            region_score=form.region_score,
            top_k=form.top_k,
            weights=form.weights,
            explain=form.explain,
            only=form.only,
            text=form.text,
        )
    )


def _answer(described: SearchOut) -> Response:
    """The answer as it goes out. Handed to the framework it would be checked against its own model once more."""
    return Response(described.model_dump_json(exclude_unset=True), media_type="application/json")


def _told(parts: Parts, answer: SearchAnswer, request_id: str, explain: bool) -> SearchOut:
    """The answer, and a note of what it shows, for the feedback that may come of it."""
    parts.feedback.shown(Impression(request_id, datetime.now(UTC), answer.ranking.results))
    return SearchOut.of(answer, request_id=request_id, explain=explain)
