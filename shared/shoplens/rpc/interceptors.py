"""What stands between the wire and every handler, as one stack of guards.

A guard is a context manager around the handling of a call, so it serves unary and streamed calls alike. From the
outside in: :func:`measured`, :func:`answering_errors`, :class:`Shedding`, :func:`within_deadline`, :func:`at_priority`. Health
checks and reflection pass by them all: they must answer when nothing else can.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final

import grpc
import structlog

from shoplens import deadlines, metrics, priorities
from shoplens.errors import InternalError, InvalidArgument, Overloaded, ShoplensError
from shoplens.rpc.status import pack_error

Guard = Callable[[str, grpc.ServicerContext], AbstractContextManager[None]]
"""Called with the method's full name and the call's context."""

SPARED: Final = ("/grpc.health.", "/grpc.reflection.")

_NO_DEADLINE_S: Final = 366 * 86_400.0
"""gRPC shows a missing deadline as one that lies centuries ahead."""

_log = structlog.get_logger(__name__)


class Guarded(grpc.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """Runs every handler inside the guards, the first one outermost."""

    def __init__(self, *guards: Guard) -> None:
        self._guards = guards

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        handler = continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or method.startswith(SPARED):
            return handler
        kind = f"{'stream' if handler.request_streaming else 'unary'}_{'stream' if handler.response_streaming else 'unary'}"
        wrap = self._streamed if handler.response_streaming else self._single
        return getattr(grpc, f"{kind}_rpc_method_handler")(
            wrap(method, getattr(handler, kind)), handler.request_deserializer, handler.response_serializer
        )

    def _single(self, method: str, handle: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
        def guarded(request: Any, context: grpc.ServicerContext) -> Any:
            with ExitStack() as stack:
                for guard in self._guards:
                    stack.enter_context(guard(method, context))
                return handle(request, context)

        return guarded

    def _streamed(
        self, method: str, handle: Callable[[Any, grpc.ServicerContext], Iterator[Any]]
    ) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
        def guarded(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with ExitStack() as stack:
                for guard in self._guards:
                    stack.enter_context(guard(method, context))
                yield from handle(request, context)

        return guarded


@contextmanager
def measured(method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Counts the call while it runs, and its time and outcome once the handler is done."""
    begun = time.perf_counter()
    metrics.RPC_IN_FLIGHT.inc()
    try:
        yield
    finally:
        metrics.RPC_IN_FLIGHT.dec()
        metrics.RPC_SECONDS.labels(method=method, code=_code(context)).observe(time.perf_counter() - begun)


def _code(context: grpc.ServicerContext) -> str:
    code = context.code()  # type: ignore[attr-defined]  # missing from the stubs
    if isinstance(code, grpc.StatusCode):
        return code.name
    return grpc.StatusCode.OK.name if context.is_active() else grpc.StatusCode.CANCELLED.name


@contextmanager
def answering_errors(method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Turns errors into ``google.rpc.Status``; of anything unexpected only the log learns the cause."""
    try:
        yield
    except ShoplensError as error:
        context.abort_with_status(pack_error(error))
    except Exception:
        if not context.is_active():  # the caller went away, which is what the handler stumbled over
            raise
        _log.exception("a handler failed", method=method)
        context.abort_with_status(pack_error(InternalError("The service failed; the cause is in its log.")))


class Shedding:
    """Turns calls away above ``limit`` at once, instead of letting all of them become late."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    @contextmanager
    def __call__(self, method: str, _context: grpc.ServicerContext) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            metrics.RPC_SHED.labels(method=method).inc()
            raise Overloaded("The service has too much to do; try again shortly.", retry_after_s=1.0)
        try:
            yield
        finally:
            self._free.release()


@contextmanager
def within_deadline(_method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Demands that the caller says how long it waits, and lets everything below know."""
    left_s = context.time_remaining()
    if left_s is None or left_s > _NO_DEADLINE_S:
        raise InvalidArgument("Set a deadline on the call: how long the answer is of use, a few seconds for most.")
    with deadlines.within(left_s):
        yield


@contextmanager
def at_priority(_method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Lets everything below know whether a shopper waits."""
    with priorities.as_told((item.key, item.value) for item in context.invocation_metadata()):  # type: ignore[attr-defined]
        yield
