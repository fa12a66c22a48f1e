"""A servicer behind a real gRPC server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from shoplens.rpc.clients import Client
from shoplens.rpc.server import Mount, Server
from shoplens.rpc.settings import ServerSettings

C = TypeVar("C", bound=Client)

ROUTES = ("called", "over gRPC")
"""How a test reaches an implementation."""


@contextmanager
def served(mount: Mount, client: type[C]) -> Iterator[C]:
    """A client of the mounted servicer."""
    with Server([mount], ServerSettings(max_in_flight=32, grace_s=1.0)) as server, client(server.address) as connected:
        yield connected
