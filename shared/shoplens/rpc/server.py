"""One gRPC server for all services: guards, health, reflection, metrics, limits and a graceful end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import grpc
import structlog
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from shoplens.config import SettingsError
from shoplens.rpc.health import HealthMonitor, Probe
from shoplens.rpc.interceptors import Guarded, Shedding, answering_errors, at_priority, measured, within_deadline
from shoplens.rpc.limits import KEEPALIVE_MS, MESSAGE_OPTIONS
from shoplens.rpc.settings import ServerSettings
from shoplens.tracing import server_interceptors

_SPARE_THREADS: Final = 8
"""Beside those that handle calls: they turn the surplus away and answer health checks while all others are busy."""

_UNWINDING_S: Final = 10.0
"""What a handler may need to end once its call is over: the rest of one inference, of one question to a store."""

_OPTIONS: Final = (
    *MESSAGE_OPTIONS,
    ("grpc.so_reuseport", 0),  # a second server on the same port must fail, not share its calls
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mount:
    """A servicer ready to be served: its service's full name, and what adds it to a server."""

    name: str
    add: Callable[[grpc.Server], None]


class Server:
    """A server, running from :meth:`start` to :meth:`stop`; a context does both.

    ``dependencies`` are what the mounted services need in order to work, those named in ``optional`` only in order to work as well
    as they can; see :mod:`shoplens.rpc.health`.
    """

    def __init__(
        self,
        mounts: Sequence[Mount],
        settings: ServerSettings,
        dependencies: Mapping[str, Probe] | None = None,
        optional: Collection[str] = (),
    ) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(settings.max_in_flight + _SPARE_THREADS, thread_name_prefix="rpc")
        guards = Guarded(measured, answering_errors, Shedding(settings.max_in_flight), within_deadline, at_priority)
        self._server = grpc.server(self._threads, interceptors=[*server_interceptors(), guards], options=_OPTIONS)
        self._health = HealthMonitor(
            [mount.name for mount in mounts], dependencies or {}, optional=optional, interval_s=settings.health_interval_s
        )
        for mount in mounts:
            mount.add(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        names = (*(mount.name for mount in mounts), health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self._close_metrics: Callable[[], None] = lambda: None
        self.port = 0
        self.metrics_port: int | None = None
        self.health_port: int | None = None
        self._health_server: grpc.Server | None = None
        self.hung = False

    @property
    def address(self) -> str:
        """Where the server listens, once started."""
        return f"{self._settings.host}:{self.port}"

    def start(self) -> None:
        """Listen. Raises ``SettingsError`` where an address is taken, and ``FailedPrecondition`` where a certificate cannot be used."""
        identity = self._settings.identity()
        wanted = f"{self._settings.host}:{self._settings.port}"
        try:
            self.port = (
                self._server.add_insecure_port(wanted)
                if identity is None
                else self._server.add_secure_port(wanted, identity.server_credentials())
            )
            self.metrics_port = self._serve_metrics()
            self.health_port = self._serve_health()
        except (RuntimeError, OSError) as error:
            raise SettingsError(
                f"cannot listen on {wanted}, or not serve metrics or health beside it; choose free ports ({error})"
            ) from error
        self._server.start()
        self._health.start()
        _log.info("serving", host=self._settings.host, port=self.port, metrics_port=self.metrics_port, secure=identity is not None)

    def stop(self) -> None:
        """Take no more calls, and give those in flight ``grace_s`` to finish; what hangs all the same is left behind (``hung``)."""
        self._health.stop()
        self._server.stop(self._settings.grace_s).wait()
        if self._health_server is not None:
            self._health_server.stop(None).wait()
        ending = threading.Thread(target=self._threads.shutdown, name="rpc-ending", daemon=True)
        ending.start()
        ending.join(_UNWINDING_S)
        self.hung = ending.is_alive()
        self._close_metrics()
        _log.info("stopped", hung=self.hung)

    def _serve_metrics(self) -> int | None:
        if self._settings.metrics_port is None:
            return None
        server, thread = start_http_server(self._settings.metrics_port, addr=self._settings.host)

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._close_metrics = close
        return int(server.server_port)

    def _serve_health(self) -> int | None:
        """Kubernetes' own probes cannot show a certificate: health is all that they need, and all that they get."""
        if self._settings.health_port is None:
            return None
        self._health_server = grpc.server(ThreadPoolExecutor(2, thread_name_prefix="health"), options=_OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._health_server)
        port = self._health_server.add_insecure_port(f"{self._settings.host}:{self._settings.health_port}")
        self._health_server.start()
        return port

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
