"""``POST /v1/search``, ``GET /v1/products/{id}/similar`` and the categories that a search may be told."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.gateway.http import form_fields, problems, search_form
from services.gateway.http.identifiers import ProductId
from services.gateway.http.parts import Given, Parts
from services.gateway.http.search_form import SearchForm
from services.gateway.http.search_schemas import LookOut, SearchOut, row_id
from shoplens import images
from shoplens.domain import Impression, SearchAnswer, SearchQuery
from shoplens.taxonomy import taxonomy

router = APIRouter(prefix="/v1", tags=["search"])

_PROBLEMS = problems.documented(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


@router.post(
    "/search",
    summary="Find a photo's products",
    description="The shop's products that look like what the photo shows, best first.",
    response_model=SearchOut,
    response_model_exclude_unset=True,
    openapi_extra=form_fields.documented(
        (*search_form.SOURCES, *search_form.OPTIONS), "One of `image`, `url` and `product_id`; the rest is optional."
    ),
    responses=_PROBLEMS,
)
async def search(request: Request, parts: Given) -> Response:
    form = await search_form.read(request, parts.settings.max_picture_bytes)
    return await parts.searches.run(
        lambda: _json(_told(parts, parts.search.search(_query(parts, form)), problems.request_id(request), form.explain))
    )


@router.post(
    "/looks",
    summary="Complete the look",
    description="Every piece of clothing that a photo shows, the one that stands out first, each with products of its own. "
    "`top_k` counts for each piece. Each row has a `request_id` of its own, for feedback.",
    response_model=LookOut,
    response_model_exclude_unset=True,
    openapi_extra=form_fields.documented(
        (*search_form.PHOTOS, *search_form.LOOK_OPTIONS), "One of `image` and `url`; the rest is optional."
    ),
    responses=_PROBLEMS,
)
async def look(request: Request, parts: Given) -> Response:
    form = await search_form.read(request, parts.settings.max_picture_bytes, sources=search_form.PHOTOS, options=search_form.LOOK_OPTIONS)

    def work() -> Response:
        request_id = problems.request_id(request)
        found = parts.search.look(_query(parts, form))
        for number, row in enumerate(found.rows):
            parts.feedback.shown(Impression(row_id(request_id, number), datetime.now(UTC), row.ranking.results))
        return _json(LookOut.of(found, request_id=request_id, explain=form.explain))

    return await parts.searches.run(work)


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


def _query(parts: Parts, form: SearchForm) -> SearchQuery:
    content = parts.fetcher.fetch(form.url) if form.url is not None else form.image
    return SearchQuery(
        picture=images.photo(content) if content is not None else None,
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


def _json(answer: BaseModel) -> Response:
    """The answer as it goes out. Handed to the framework it would be checked against its own model once more."""
    return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json")


def _told(parts: Parts, answer: SearchAnswer, request_id: str, explain: bool) -> SearchOut:
    """The answer, and a note of what it shows, for the feedback that may come of it."""
    parts.feedback.shown(Impression(request_id, datetime.now(UTC), answer.ranking.results))
    return SearchOut.of(answer, request_id=request_id, explain=explain)
