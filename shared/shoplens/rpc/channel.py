"""Channels to other services: one set of limits, balancing, retries and patience for all clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from shoplens.rpc.limits import KEEPALIVE_MS, MESSAGE_OPTIONS

_RETRY_POLICY: Final = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 4,
    "retryableStatusCodes": [grpc.StatusCode.UNAVAILABLE.name],
}


def open_channel(target: str, service: ServiceDescriptor) -> grpc.Channel:
    """A channel to ``target`` (host:port, or any gRPC name; several addresses behind one name share the calls)."""
    options = (
        *MESSAGE_OPTIONS,
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_MS // 2),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.service_config", json.dumps(service_config(service))),
    )
    return grpc.insecure_channel(target, options=options)


def service_config(service: ServiceDescriptor) -> dict[str, Any]:
    """Round robin; calls wait for a connection; those that change nothing (so the proto says) are retried when it breaks."""
    repeated = [
        {"name": [{"service": service.full_name, "method": name}], "waitForReady": True, "retryPolicy": _RETRY_POLICY}
        for name in _repeatable(service)
    ]
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": [{"service": service.full_name}], "waitForReady": True}, *repeated],
    }


def _repeatable(service: ServiceDescriptor) -> Iterator[str]:
    for method in service.methods:
        if method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN:
            yield method.name
