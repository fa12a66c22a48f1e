"""Channels to other services: one set of limits, balancing and retries for all clients.

Calls do not wait for a service that is away: a caller with a deadline of ten seconds would learn after ten seconds, and
hold a place in every queue on its way, what could be said at once. Calls that change nothing are repeated for about a
second, which is what a restart behind a balancer takes; ``Client.wait_until_serving`` waits on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from shoplens.rpc.identity import Identity, RenewingChannel
from shoplens.rpc.limits import KEEPALIVE_MS, MESSAGE_OPTIONS
from shoplens.tracing import traced_channel

_RETRY_POLICY: Final = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": [grpc.StatusCode.UNAVAILABLE.name],
}


def open_channel(target: str, service: ServiceDescriptor, identity: Identity | None = None) -> grpc.Channel:
    """A channel to ``target`` (host:port, or any gRPC name; several addresses behind one name share the calls).

    identity: who we are, where the services speak over mutual TLS; in plain text without.
    """
    options = (
        *MESSAGE_OPTIONS,
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_MS // 2),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.service_config", json.dumps(service_config(service))),
    )
    if identity is None:
        return traced_channel(grpc.insecure_channel(target, options=options))
    return traced_channel(RenewingChannel(identity, lambda credentials: grpc.secure_channel(target, credentials, options)))


def service_config(service: ServiceDescriptor) -> dict[str, Any]:
    """Round robin; calls that change nothing, as the proto says, are retried while nobody is there."""
    names = [{"service": service.full_name, "method": name} for name in _repeatable(service)]
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": names, "retryPolicy": _RETRY_POLICY}] if names else [],
        # Services call services: without a budget, each level would multiply the retries of the one above.
        "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.1},
    }


def _repeatable(service: ServiceDescriptor) -> Iterator[str]:
    for method in service.methods:
        if method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN:
            yield method.name
