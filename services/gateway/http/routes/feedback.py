"""``POST /v1/feedback``: what a shopper did with a result."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from fastapi import APIRouter, Request

from services.gateway.http import json_bodies, problems
from services.gateway.http.feedback_schemas import FeedbackOut, read_feedback
from services.gateway.http.identifiers import checked
from services.gateway.http.parts import Given
from shoplens.domain import Reaction

router = APIRouter(prefix="/v1", tags=["search"])


@router.post(
    "/feedback",
    status_code=HTTPStatus.ACCEPTED,
    summary="Tell what a shopper did",
    description="A click, a basket or a purchase on a result of a search, from which `shoplens learn` makes a better ranking. "
    "Answers once it is kept; the same one sent again counts once.",
    responses=problems.documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    openapi_extra=json_bodies.documented("FeedbackIn"),
)
async def feedback(request: Request, parts: Given) -> FeedbackOut:
    read = read_feedback(await json_bodies.received(request))
    reaction = Reaction(read.request_id, checked("product_id", read.product_id), read.action, datetime.now(UTC))
    await parts.reads.run(lambda: parts.feedback.reacted(reaction))
    return FeedbackOut(request_id=read.request_id, product_id=read.product_id, action=read.action)
