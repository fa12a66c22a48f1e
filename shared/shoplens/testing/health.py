"""Waiting for a server's health, as a balancer does: by watching it."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING: int = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: int = health_pb2.HealthCheckResponse.NOT_SERVING


def wait_for_health(channel: grpc.Channel, name: str = "", wanted: int = SERVING, *, timeout_s: float) -> None:
    """Return when the server tells ``wanted`` of ``name``. Raises ``grpc.RpcError`` when it does not in time."""
    request = health_pb2.HealthCheckRequest(service=name)
    updates = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=timeout_s, wait_for_ready=True)
    for update in updates:
        if update.status == wanted:
            updates.cancel()
            return
    raise AssertionError(f"the server stopped before {name!r} was {health_pb2.HealthCheckResponse.ServingStatus.Name(wanted)}")
