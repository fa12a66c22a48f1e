"""What every client has: a channel, the errors of the other side as ours, and a way to wait for it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shoplens import deadlines, priorities
from shoplens.errors import InvalidArgument, Unavailable
from shoplens.rpc.breaker import Breaker
from shoplens.rpc.channel import open_channel
from shoplens.rpc.identity import Identity
from shoplens.rpc.status import unpack_error

USUAL_S = 30.0
"""What a call may take where nobody set a deadline."""

A = TypeVar("A")
T = TypeVar("T")


class Client:
    """A connection to one service; ``close`` it, or use it as a context.

    The first call connects. A call to a service that is not there fails soon; who would rather wait says so.
    """

    part: ClassVar[str]
    service: ClassVar[ServiceDescriptor]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        """identity: who we are, where the services speak over mutual TLS."""
        self._target = target
        self._channel = open_channel(target, self.service, identity)
        self._breaker = Breaker(self.part)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def probe(self) -> None:
        """Whether the service can do its work. Raises ``Unavailable``; fits ``dependencies`` of a server."""
        request = health_pb2.HealthCheckRequest(service=self.service.full_name)
        try:
            answer = self._health.Check(request, timeout=deadlines.remaining_s(2.0), wait_for_ready=False)
        except grpc.RpcError as error:
            raise Unavailable(f"The {self.part} cannot be reached.") from error
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable(f"The {self.part} is not ready.")
        self._breaker.heard()

    def wait_until_serving(self) -> None:
        """Wait for the service, as long as the deadline allows. Raises ``Unavailable`` when it does not come."""
        request = health_pb2.HealthCheckRequest(service=self.service.full_name)
        updates = self._health.Watch(request, timeout=deadlines.remaining_s(USUAL_S), wait_for_ready=True)
        try:
            if not any(update.status == health_pb2.HealthCheckResponse.SERVING for update in updates):
                raise Unavailable(f"The {self.part} has stopped.")
        except grpc.RpcError as error:
            raise Unavailable(f"The {self.part} did not come; is it running at {self._target}?") from error
        finally:
            updates.cancel()
        self._breaker.heard()

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(self, method: Callable[..., A], request: Any, unpack: Callable[[A], T]) -> T:
        """What the answer says. One that cannot be read is as good as none."""
        answer = self._call(method, request)
        try:
            return unpack(answer)
        except (InvalidArgument, ValueError, TypeError, LookupError) as error:
            raise Unavailable(f"The {self.part} answers what cannot be read; run the same version of all parts.") from error

    def _call(self, method: Callable[..., A], request: Any) -> A:
        allowed_s = deadlines.remaining_s(USUAL_S)
        try:
            with self._breaker.watching(allowed_s):
                return method(request, timeout=allowed_s, metadata=priorities.metadata())
        except grpc.RpcError as error:
            raise unpack_error(error, self.part) from error
