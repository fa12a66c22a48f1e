"""Traces with OpenTelemetry: where a request's time went, across processes. Off, and free of cost, unless a collector is named.

A trace is carried over HTTP and gRPC by OpenTelemetry's own instrumentation, and over Kafka in a message's ``traceparent`` header
(W3C Trace Context). What is traced is who called what and for how long; no picture, no text of a shopper and no key is ever put into one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import grpc
from pydantic import Field

from shoplens.config import Settings, prefix

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

TRACEPARENT: Final = "traceparent"

_EXPORT_S: Final = 5

_provider: TracerProvider | None = None


class TracingSettings(Settings):
    """Read from ``SHOPLENS_TRACING_…``; the same for every service."""

    model_config = prefix("TRACING")

    endpoint: str = Field(default="", description="The collector's address for OTLP over HTTP, as in http://collector:4318/v1/traces.")
    share: float = Field(default=0.05, ge=0, le=1, description="Of the requests that bring no trace, the share that is traced.")


@contextmanager
def tracing(service: str, settings: TracingSettings, exporter: SpanExporter | None = None) -> Iterator[None]:
    """This process is traced inside, where the settings name a collector; what is still to be sent is sent at the end.

    exporter: in place of the collector.
    """
    global _provider  # noqa: PLW0603 - a process is traced or it is not
    if not settings.endpoint and exporter is None:
        yield
        return
    # Only now: without a collector nothing of this is loaded.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    sampler = ParentBased(TraceIdRatioBased(settings.share))
    _provider = TracerProvider(sampler=sampler, resource=Resource.create({SERVICE_NAME: f"shoplens-{service}"}))
    _provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(settings.endpoint, timeout=_EXPORT_S)))
    try:
        yield
    finally:
        _provider.shutdown()
        _provider = None


def span(name: str, **attributes: str | float) -> AbstractContextManager[object]:
    """A part of the present trace."""
    if _provider is None:
        return nullcontext()
    return _provider.get_tracer(__name__).start_as_current_span(name, attributes=attributes)


def continued(name: str, carried: Mapping[str, str]) -> AbstractContextManager[object]:
    """A part of the trace that a message carries; the first of a new one where it carries none."""
    if _provider is None:
        return nullcontext()
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract(carried)
    return _provider.get_tracer(__name__).start_as_current_span(name, context=context, kind=SpanKind.CONSUMER)


def carried() -> dict[str, str]:
    """What a message carries so that whoever reads it goes on with the present trace; nothing where there is none."""
    if _provider is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier


def message_headers() -> list[tuple[str, bytes]]:
    """``carried``, as Kafka's headers are."""
    return [(name, value.encode()) for name, value in carried().items()]


def trace_id() -> str:
    """The present trace's id, 32 hex digits; empty where there is none."""
    return carried().get(TRACEPARENT, "--").split("-")[1]


def traced_channel(channel: grpc.Channel) -> grpc.Channel:
    """The channel; its calls are parts of the trace, and carry it on."""
    if _provider is None:
        return channel
    from opentelemetry.instrumentation.grpc import client_interceptor, filters
    from opentelemetry.instrumentation.grpc.grpcext import intercept_channel

    interceptor = client_interceptor(_provider, filter_=filters.negate(filters.health_check()))  # type: ignore[no-untyped-call]
    traced: grpc.Channel = intercept_channel(channel, interceptor)  # type: ignore[no-untyped-call]
    return traced


def server_interceptors() -> Sequence[grpc.ServerInterceptor[Any, Any]]:
    """What makes a server's calls parts of the trace that they carry."""
    if _provider is None:
        return ()
    from opentelemetry.instrumentation.grpc import filters, server_interceptor

    return (server_interceptor(_provider, filter_=filters.negate(filters.health_check())),)  # type: ignore[no-untyped-call]


def traced_app(app: Any) -> Any:
    """An ASGI application; its requests start a trace, or are part of the one that they carry."""
    if _provider is None:
        return app
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    return OpenTelemetryMiddleware(app, tracer_provider=_provider, exclude_spans=["receive", "send"])
