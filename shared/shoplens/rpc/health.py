"""The standard health service, kept true: every dependency is really asked, again and again.

Names that can be checked or watched: ``""`` and each gRPC service (serving while every dependency is), each dependency by
its own name, and ``alive`` (serving from start to stop, whatever the dependencies do: for a liveness probe).

A probe has a deadline; one that outlasts it by far hangs in this very process, in a model's threads for one. Then the dependency does
not serve, and after ``STUCK_S`` the process is not alive: nothing but a restart will help it.

A dependency that only helps (:mod:`shoplens.optional_parts`) is told by its name, and not held against the service.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from grpc_health.v1 import health, health_pb2

from shoplens import deadlines
from shoplens.optional_parts import OptionalParts

Probe = Callable[[], None]
"""Raises where the dependency cannot do its work now."""

ALIVE: Final = "alive"
PROBE_S: Final = 2.0
"""A dependency that does not answer a probe in this time is not serving."""

SLACK_S: Final = 2.0
"""What a busy machine may need beyond a probe's deadline."""

STUCK_S: Final = 60.0

_MOST_WATCHERS: Final = 512
"""A client keeps one watch open for each address that it balances over."""

_WATCHERS: Final = ThreadPoolExecutor(_MOST_WATCHERS, thread_name_prefix="health-watch")
"""For all servers of a process: the servicer keeps it with its class. Threads are made as watchers come."""

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING

_log = structlog.get_logger(__name__)


class HealthMonitor:
    """Probes ``dependencies`` every ``interval_s`` in a thread of its own, and tells ``servicer`` what it found.

    optional: the names of those that only help.
    """

    def __init__(
        self, services: Iterable[str], dependencies: Mapping[str, Probe], *, optional: Collection[str] = (), interval_s: float
    ) -> None:
        # Not the servicer's own choice, which sends to watchers while it holds a lock that gRPC's one thread takes when another watcher
        # leaves: then the server hangs for ever. So each watcher has a thread, which waits for news and costs nothing else.
        self.servicer = health.HealthServicer(experimental_non_blocking=False, experimental_thread_pool=_WATCHERS)
        self._services = ("", *services)
        self._dependencies = {name: _Dependency(name, probe) for name, probe in dependencies.items()}
        self._optional = OptionalParts(optional)
        self._interval_s = interval_s
        self._serving: dict[str, bool] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="health", daemon=True)
        for name in (*self._services, *self._dependencies):
            self.servicer.set(name, _NOT_SERVING)

    def start(self) -> None:
        self._tell((ALIVE,), serving=True)
        self._thread.start()

    def stop(self) -> None:
        """From now on nothing serves; balancers that watch send their calls elsewhere."""
        self._stopping.set()
        self.servicer.enter_graceful_shutdown()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._look()
            self._stopping.wait(self._interval_s)

    def _look(self) -> None:
        for name, dependency in self._dependencies.items():
            serving = dependency.works()
            self._tell((name,), serving=serving)
            if serving:
                self._optional.came(name)
        self._tell(self._services, serving=all(self._serving[name] or self._optional.may_be_away(name) for name in self._dependencies))
        self._tell((ALIVE,), serving=not any(dependency.stuck_s() > STUCK_S for dependency in self._dependencies.values()))

    def _tell(self, names: Iterable[str], *, serving: bool) -> None:
        for name in names:
            if self._serving.get(name) is not serving:
                self._serving[name] = serving
                self.servicer.set(name, _SERVING if serving else _NOT_SERVING)
                _log.info("health", name=name, serving=serving)


class _Dependency:
    """Something to be probed, again and again, each time in a thread of its own that may be left behind."""

    def __init__(self, name: str, probe: Probe) -> None:
        self._name = name
        self._probe = probe
        self._thread: threading.Thread | None = None
        self._begun = 0.0
        self._worked = True

    def works(self) -> bool:
        """Ask it, unless it still owes the last answer."""
        if self.stuck_s() == 0:
            self._thread = threading.Thread(target=self._ask, name=f"health-{self._name}", daemon=True)
            self._begun = time.monotonic()
            self._thread.start()
        assert self._thread is not None
        self._thread.join(PROBE_S + SLACK_S)
        return self._worked and self.stuck_s() == 0

    def stuck_s(self) -> float:
        """For how long it has been owing an answer."""
        return time.monotonic() - self._begun if self._thread is not None and self._thread.is_alive() else 0.0

    def _ask(self) -> None:
        try:
            with deadlines.within(PROBE_S):
                self._probe()
        except Exception as error:  # noqa: BLE001 - whatever it is, the dependency does not work
            if self._worked:
                _log.warning("a dependency does not work", dependency=self._name, error=str(error))
            self._worked = False
        else:
            self._worked = True
