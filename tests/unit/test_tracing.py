"""A trace follows a request from the shopper through every process, over HTTP, gRPC and Kafka; and without a collector there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.detector.servicer import mount
from services.gateway.http import HttpSettings, create_app
from services.gateway.stopwatch import Stopwatch
from shoplens import tracing
from shoplens.rpc.clients import DetectorClient
from shoplens.rpc.server import Server
from shoplens.rpc.settings import ServerSettings
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeDetector
from tests.unit.gateway.shop import Shop, ShopCatalogue, picture

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = PARENT.split("-")[1]
PHOTO = {"image": ("photo.jpg", picture(), "image/jpeg")}


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Whatever was traced is in it once the process has said all."""
    yield (kept := InMemorySpanExporter())
    kept.clear()


def traced(exporter: InMemorySpanExporter, *, share: float = 1.0):
    return tracing.tracing("test", tracing.TracingSettings(share=share), exporter)


def the_trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


@pytest.fixture
def search() -> Callable[..., httpx.Response]:
    """One search over HTTP, for which the gateway asks a detector over gRPC."""

    def asked(**headers: str) -> httpx.Response:
        shop = Shop()
        with (
            Server([mount(FakeDetector())], ServerSettings()) as server,
            DetectorClient(server.address) as detector,
        ):

            def stage() -> None:
                with Stopwatch().stage("detect"):
                    detector.detect(pictures.picture(1))

            shop.meanwhile = stage
            app = create_app(
                search=shop, copies=shop, ingest=shop, catalogue=ShopCatalogue(shop), fetcher=shop, feedback_log=shop,
                readiness={}, settings=HttpSettings(),
            )  # fmt: skip
            with TestClient(tracing.traced_app(app)) as client:
                return client.post("/v1/search", files=PHOTO, headers=headers)

    return asked


def test_one_trace_goes_through_http_stages_and_grpc(exporter: InMemorySpanExporter, search: Callable[..., httpx.Response]) -> None:
    with traced(exporter):
        assert search(traceparent=PARENT).status_code == 200
    spans = exporter.get_finished_spans()
    assert {the_trace_of(span) for span in spans} == {TRACE}
    assert {"search detect", "POST /v1/search"} <= {span.name for span in spans}
    called = [span for span in spans if "DetectorService/Detect" in span.name]
    assert [span.kind.name for span in called] == ["SERVER", "CLIENT"]


def test_a_request_that_brings_no_trace_is_traced_by_chance(exporter: InMemorySpanExporter, search: Callable[..., httpx.Response]) -> None:
    with traced(exporter, share=0.0):
        search()
    assert exporter.get_finished_spans() == ()


def test_no_picture_and_no_key_is_in_a_trace(exporter: InMemorySpanExporter, search: Callable[..., httpx.Response]) -> None:
    with traced(exporter):
        search(authorization="Bearer a-secret-key")
    said = " ".join(str(dict(span.attributes or {})) for span in exporter.get_finished_spans())
    assert "a-secret-key" not in said
    assert "photo.jpg" not in said


def test_a_message_carries_its_trace_on(exporter: InMemorySpanExporter) -> None:
    with traced(exporter):
        with tracing.continued("told", {tracing.TRACEPARENT: PARENT}):
            headers = dict(tracing.message_headers())
            assert tracing.trace_id() == TRACE
        with tracing.continued("read", {tracing.TRACEPARENT: headers[tracing.TRACEPARENT].decode()}):
            pass
    told, read = exporter.get_finished_spans()
    assert the_trace_of(told) == the_trace_of(read) == TRACE
    assert read.parent is not None
    assert told.context is not None
    assert read.parent.span_id == told.context.span_id


@pytest.mark.parametrize("header", ["", "nonsense", "00-00-00-00"])
def test_a_message_without_a_trace_that_can_be_read_begins_one(exporter: InMemorySpanExporter, header: str) -> None:
    with traced(exporter), tracing.continued("read", {tracing.TRACEPARENT: header}):
        assert len(tracing.trace_id()) == 32


def test_without_a_collector_nothing_is_traced(search: Callable[..., httpx.Response]) -> None:
    with tracing.tracing("test", tracing.TracingSettings()):
        assert search(traceparent=PARENT).status_code == 200
        assert (tracing.carried(), tracing.trace_id(), tracing.message_headers()) == ({}, "", [])
