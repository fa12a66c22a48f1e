"""Products: put, changed, read, deleted, paged through."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.gateway.http import json_bodies, problems
from services.gateway.http.identifiers import ProductId
from services.gateway.http.parts import Given
from services.gateway.http.product_schemas import ProductOut, ProductsOut
from shoplens.products import parse_patch, parse_product, read_json

router = APIRouter(prefix="/v1/products", tags=["products"])

_WRITE_PROBLEMS = problems.documented(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_READ_PROBLEMS = problems.documented(HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_MISSING = problems.documented(HTTPStatus.NOT_FOUND)


@router.put(
    "/{product_id}",
    summary="Put a product",
    description="Stores a product whole, in place of what it was, and answers once it can be found. "
    "An older `version` than the stored one changes nothing and answers with the stored product.",
    openapi_extra=json_bodies.documented("ProductIn"),
    responses=_WRITE_PROBLEMS,
)
async def put(request: Request, parts: Given, product_id: ProductId) -> ProductOut:
    body = await json_bodies.received(request)
    return ProductOut.of(await parts.writes.run(lambda: parts.ingest.put(parse_product(product_id, read_json(body)))))


@router.patch(
    "/{product_id}",
    summary="Change a product",
    description="Changes price, stock and the like without encoding the pictures again.",
    openapi_extra=json_bodies.documented("PatchIn"),
    responses={**_WRITE_PROBLEMS, **_MISSING},
)
async def patch(request: Request, parts: Given, product_id: ProductId) -> ProductOut:
    body = await json_bodies.received(request)
    return ProductOut.of(await parts.writes.run(lambda: parts.ingest.patch(parse_patch(product_id, read_json(body)))))


@router.get("/{product_id}", summary="Read a product", responses={**_READ_PROBLEMS, **_MISSING})
async def get(parts: Given, product_id: ProductId) -> ProductOut:
    return ProductOut.of(await parts.reads.run(partial(parts.catalogue.get, product_id)))


@router.delete(
    "/{product_id}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Delete a product",
    description="Answers once it can no longer be found.",
    responses={**_WRITE_PROBLEMS, **_MISSING},
)
async def delete(parts: Given, product_id: ProductId) -> Response:
    await parts.writes.run(partial(parts.ingest.delete, product_id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("", summary="Page through the products", description="In the order of their ids.", responses=_READ_PROBLEMS)
async def page(
    parts: Given,
    page_size: Annotated[int, Query(ge=1, le=500, description="How many on a page.")] = 100,
    page_token: Annotated[str, Query(max_length=2000, description="`next_page_token` of the page before; empty for the first.")] = "",
) -> ProductsOut:
    found = await parts.reads.run(partial(parts.catalogue.page, size=page_size, token=page_token))
    return ProductsOut(products=[ProductOut.of(product) for product in found.products], next_page_token=found.next_token)
