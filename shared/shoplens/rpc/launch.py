"""A service's process, from its environment to its last call: what every ``__main__`` does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, TypeVar

from shoplens import log, memory
from shoplens.config import SettingsError
from shoplens.errors import ShoplensError
from shoplens.rpc.health import Probe
from shoplens.rpc.server import Mount, Server
from shoplens.rpc.settings import ServerSettings
from shoplens.tracing import TracingSettings, tracing

HUNG: Final = 70
"""The exit status of a process that left a call behind which hung (EX_SOFTWARE)."""

_LOOK_AGAIN_S = 1.0

S = TypeVar("S", bound=ServerSettings)


@dataclass(frozen=True, slots=True)
class Service:
    """What a composition root hands over.

    mounts: the gRPC services. dependencies: what they need, and how to ask whether it works. optional: the names of those
    dependencies that they can do without.
    foreground: something that runs until the process is told to stop, beside the gRPC server; it must heed the signals
    itself, as uvicorn does. ``None`` just waits for them.
    """

    mounts: Sequence[Mount]
    dependencies: Mapping[str, Probe] = field(default_factory=dict)
    optional: Collection[str] = ()
    foreground: Callable[[], None] | None = None


def launch(name: str, settings_type: type[S], compose: Callable[[S], AbstractContextManager[Service]]) -> None:
    """Read the settings, compose the service, serve until SIGTERM or SIGINT, and close everything in order."""
    try:
        memory.keep()
        settings = settings_type.from_environment()
        log.configure(level=settings.log_level, service=name)
        with tracing(name, TracingSettings.from_environment()), compose(settings) as service:
            memory.settle()
            # Only now: until the service serves, a signal may end the process at once.
            hung = serve(service, settings, _stop_signal())
    except (SettingsError, ShoplensError) as error:
        raise SystemExit(f"{name}: {error}") from error
    if hung:
        # A thread that hangs in C code would keep the interpreter from ending, and whoever stops us waiting.
        sys.stderr.flush()
        os._exit(HUNG)


def serve(service: Service, settings: ServerSettings, stop: threading.Event) -> bool:
    """Serve until ``stop`` is set, or until the foreground ends; whether a call hangs that no grace ended."""
    with Server(service.mounts, settings, service.dependencies, service.optional) as server:
        if service.foreground is None:
            # A signal that comes in the moment before the wait does not end it: look again.
            while not stop.wait(_LOOK_AGAIN_S):
                pass
        else:
            service.foreground()
    return server.hung


def _stop_signal() -> threading.Event:
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return stop
