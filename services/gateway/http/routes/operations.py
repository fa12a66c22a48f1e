"""For those who run it: alive, ready, measured; and what a problem means."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from services.gateway.http import problems
from services.gateway.http.parts import Given
from services.gateway.http.refusals import NoSuchAddress
from services.gateway.http.search_schemas import IndexOut
from shoplens.errors import Unavailable

router = APIRouter(tags=["operations"])


class HealthOut(BaseModel):
    status: Literal["ok"] = Field(default="ok", description="The process answers.")


class ReadyOut(BaseModel):
    status: Literal["ready"] = Field(default="ready", description="Searches are answered.")
    parts: dict[str, str] = Field(
        description="Each part and `ready`, or what is wrong with one that searches go without meanwhile.",
        examples=[{"models": "ready", "index": "ready"}],
    )


class StatusOut(BaseModel):
    """The catalogue as it stands."""

    index: IndexOut = Field(description="What is searched.")
    products: int = Field(description="Products in the catalogue.", examples=[458])
    ready: bool = Field(description="Whether the index is finished.")


class CreditOut(BaseModel):
    text: str = Field(description="What to say.", examples=["Product artwork by Saleor Commerce"])
    url: str = Field(description="Where it leads.", examples=["https://github.com/saleor/saleor"])
    licence: str = Field(description="The licence's short name.", examples=["CC BY 4.0"])


@router.get("/healthz", summary="Alive?", description="The process answers. Says nothing of its parts: see /readyz.")
async def healthz() -> HealthOut:
    return HealthOut()


@router.get(
    "/readyz",
    summary="Ready?",
    description="Models warm, index loaded, dependencies there.",
    response_model=ReadyOut,
    responses=problems.documented(HTTPStatus.SERVICE_UNAVAILABLE),
)
async def readyz(request: Request, parts: Given) -> ReadyOut | JSONResponse:
    found = await parts.readiness.ask(parts.probes)
    if found.missing:
        complaints = "; ".join(f"{name}: {complaint}" for name, complaint in found.missing.items())
        return problems.response(request, Unavailable(f"Not ready yet: {complaints}", retry_after_s=1.0))
    return ReadyOut(parts=dict(found.parts))


@router.get("/metrics", summary="Metrics", description="In Prometheus' text format.", response_class=PlainTextResponse)
async def prometheus() -> Response:
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/v1/status", summary="The catalogue as it stands", responses=problems.documented(HTTPStatus.SERVICE_UNAVAILABLE))
async def status(parts: Given) -> StatusOut:
    found = await parts.reads.run(parts.catalogue.status)
    return StatusOut(index=IndexOut.of(found), products=found.products, ready=found.ready)


@router.get("/v1/credits", summary="Whom the pictures are owed to", description="Shown in the page's footer, as licences ask.")
async def credited(parts: Given) -> list[CreditOut]:
    return [CreditOut(text=credit.text, url=credit.url, licence=credit.licence) for credit in parts.credits]


@router.get("/problems/{reason}", summary="What a problem means", response_class=PlainTextResponse, include_in_schema=False)
async def explanation(reason: str) -> PlainTextResponse:
    kind = problems.known().get(reason)
    if kind is None:
        raise NoSuchAddress("There is no such kind of problem; the type of an error leads to one that there is.")
    said = " ".join((kind.__doc__ or "").split())
    return PlainTextResponse(f"{kind.title}\n\nHTTP status {int(kind.http_status)}. The detail of the error says what to do.\n{said}\n")
