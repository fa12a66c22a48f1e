"""A detector of the test's choice behind a real server, with what every service gets around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from services.detector.servicer import mount
from shoplens.ports import Detector
from shoplens.rpc.server import Server
from shoplens.rpc.settings import ServerSettings
from shoplens.testing.serving import free_port


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Serves a detector; the rest are settings, and ``dependencies``."""
    with ExitStack() as running:

        def served(
            detector: Detector,
            dependencies: dict[str, Callable[[], object]] | None = None,
            *,
            optional: Sequence[str] = (),
            **settings: object,
        ) -> Server:
            given = ServerSettings.model_validate({"health_interval_s": 0.01, "grace_s": 5.0, **settings})
            return running.enter_context(Server([mount(detector)], given, dependencies, optional))

        yield served


@pytest.fixture
def free_address() -> str:
    """An address of loopback where nobody is."""
    return f"127.0.0.1:{free_port()}"
