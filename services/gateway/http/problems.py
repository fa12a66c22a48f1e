"""Errors as ``application/problem+json`` (RFC 9457): whatever goes wrong, a client reads one shape."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.gateway.http.refusals import (
    BodyTooLarge,
    InvalidField,
    MethodNotAllowed,
    NoSuchAddress,
    UnsupportedMedia,
)
from shoplens.errors import BY_REASON, InternalError, InvalidArgument, ShoplensError, Unavailable

MEDIA_TYPE = "application/problem+json"
NEUTRAL = "Something went wrong on our side; try again, and give us the request_id if it stays."

log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """What every error looks like. Build on `type`; show `detail` to whoever is asking."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/unknown-category",
                    "title": "Unknown category",
                    "status": 400,
                    "detail": "There is no category 'spaceship'; use one of: bag, belt, blazer, …",
                    "instance": "/v1/search",
                    "request_id": "0f8b7c2e5d1a4a5f9d2b6c3e8f7a1b0c",
                }
            ]
        }
    )

    type: str = Field(description="Which kind of error: a stable address, relative to the server, that explains it.")
    title: str = Field(description="The kind in a few words; the same for every error of this type.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence that says what to do.")
    instance: str = Field(description="The address that was asked for.")
    request_id: str = Field(description="The request's id, also in the `X-Request-Id` header and in our log.")
    field: str | None = Field(default=None, description="The field that is wrong, where one is.")


def known() -> Mapping[str, type[ShoplensError]]:
    """Every kind of problem by its reason, those of this package included."""
    own = (InvalidField, BodyTooLarge, UnsupportedMedia, MethodNotAllowed, NoSuchAddress)
    return {**BY_REASON, **{kind.reason: kind for kind in own}}


def response(request: Request, error: ShoplensError, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for an error."""
    body = Problem(
        type=f"/problems/{error.reason}",
        title=error.title,
        status=int(error.http_status),
        detail=error.message,
        instance=request.scope.get("raw_path", b"").decode("latin-1") or request.url.path,
        request_id=request_id(request),
        field=error.field if isinstance(error, InvalidField) else None,
    )
    extra = dict(headers or {})
    if error.retry_after_s is not None:
        extra["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return JSONResponse(body.model_dump(exclude_none=True), status_code=int(error.http_status), media_type=MEDIA_TYPE, headers=extra)


def request_id(request: Request) -> str:
    """The id that the outermost middleware gave this request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def install(app: FastAPI) -> None:
    """Answer every exception, the framework's included, with a problem."""
    handlers: Mapping[type[Exception], Callable[[Request, Any], Awaitable[JSONResponse]]] = {
        ShoplensError: _ours,
        RequestValidationError: _validation,
        HTTPException: _framework,
        ClientDisconnect: _gone,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _ours(request: Request, error: ShoplensError) -> JSONResponse:
    if error.http_status > HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_failed", reason=error.reason, detail=error.message)
    if error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", reason=error.reason, detail=error.message, exc_info=error)
        return response(request, InternalError(NEUTRAL))
    if isinstance(error, Unavailable) and error.retry_after_s is None:
        error.retry_after_s = 1.0
    return response(request, error)


async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
    """Pydantic's list of complaints about the address and its query as the first one, said plainly."""
    first = error.errors()[0]
    message = str(first["msg"])
    return response(request, InvalidField(str(first["loc"][-1]), f"{message[:1].lower()}{message[1:]}."))


async def _framework(request: Request, error: HTTPException) -> JSONResponse:
    """What the framework itself refuses: no such route, wrong method, a malformed form."""
    if isinstance(error.__cause__, ShoplensError):  # raised while the framework read the body: ours, in its wrapping
        return await _ours(request, error.__cause__)
    headers = error.headers or {}
    method, path = request.method, request.url.path
    refused: ShoplensError
    match error.status_code:
        case HTTPStatus.NOT_FOUND if path.startswith("/v1/products/"):
            refused = NoSuchAddress("There is nothing here; in an id, write a slash as %2F and percent-encode odd characters.")
        case HTTPStatus.NOT_FOUND:
            refused = NoSuchAddress("There is nothing here; /openapi.json lists every address.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            refused = MethodNotAllowed(f"{method} does nothing here; use {headers.get('Allow', 'another method')}.")
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            refused = UnsupportedMedia("Send another content type; /openapi.json says which.")
        case _:
            refused = InvalidArgument(f"The request cannot be read ({error.detail}); correct it and send it again.")
    return response(request, refused, headers={"Allow": headers["Allow"]} if "Allow" in headers else None)


async def _gone(request: Request, _: ClientDisconnect) -> JSONResponse:
    """The sender left in the middle of the upload; nobody reads this, but the log and the metrics do."""
    return response(request, InvalidArgument("The upload ended early; send it again, whole."))


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route in the OpenAPI document, for the problems that it may answer."""
    said = {
        HTTPStatus.BAD_REQUEST: "The request is wrong; `detail` says what to send instead.",
        HTTPStatus.NOT_FOUND: "There is no such product or picture.",
        HTTPStatus.CONFLICT: "The index is in another state than the request needs.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The upload is larger than this server takes.",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The content type is not the one expected.",
        HTTPStatus.TOO_MANY_REQUESTS: "Too many requests at once; wait for `Retry-After` seconds.",
        HTTPStatus.SERVICE_UNAVAILABLE: "A part is away; try again.",
        HTTPStatus.GATEWAY_TIMEOUT: "The request ran out of time.",
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {int(status): {"description": said[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses}
