"""Structured logs: one line an event, JSON where a machine reads it, colours where a person does."""

from __future__ import annotations

import logging
import sys

import structlog

from shoplens.tracing import trace_id


def configure(*, level: str = "INFO", service: str) -> None:
    """Set logging up for this process; called once, by a composition root."""
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _of_a_trace,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


def _of_a_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What is logged within a trace names it, so that the two are found from each other."""
    trace = trace_id()
    if trace:
        event["trace_id"] = trace
    return event
