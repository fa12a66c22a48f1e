"""Whether a service is up, for what watches it: ``python -m shoplens.rpc.check HOST:PORT [NAME]`` exits with 0 or 1.

NAME is one that the health service knows (:mod:`shoplens.rpc.health`); ``alive`` unless told otherwise.
"""

from __future__ import annotations

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shoplens.rpc.health import ALIVE

TIMEOUT_S = 3.0


def serves(address: str, name: str = ALIVE) -> bool:
    """Whether the service there says that ``name`` is serving."""
    with grpc.insecure_channel(address) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service=name)
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=TIMEOUT_S)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(0 if serves(*sys.argv[1:3]) else 1)
