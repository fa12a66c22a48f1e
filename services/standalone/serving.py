"""``shoplens serve``: one process that binds at once, loads its catalogue in the open, and stops cleanly."""

from __future__ import annotations

import errno
import signal
import socket
import threading
import time
from contextlib import closing

import uvicorn
from starlette.types import ASGIApp

from services.gateway.http.keys import KeyRing, require_keys
from services.gateway.http.settings import HttpSettings
from services.gateway.http.tls import Certificate, renewing
from services.standalone.door import Door
from services.standalone.places import KEYS_FILE
from services.standalone.settings import StandaloneSettings
from services.standalone.terminal import Terminal
from shoplens import log, memory
from shoplens.errors import FailedPrecondition, InvalidArgument, Unavailable
from shoplens.tracing import TracingSettings, traced_app, tracing


def serve(
    host: str,
    port: int,
    settings: StandaloneSettings,
    catalogue: str,
    *,
    currency: str,
    terminal: Terminal,
    as_json: bool = False,
    open_to_all: bool = False,
) -> None:
    """Serve until Ctrl-C or SIGTERM. ``catalogue``: ``demo``, ``none`` or a feed's path.

    Raises errors of :mod:`shoplens.errors`, ``SettingsError`` and ``ModelError`` where it cannot start.
    """
    began = time.monotonic()
    http_settings = HttpSettings.from_environment()
    keys, certificate = http_settings.keys or settings.data / KEYS_FILE, Certificate.of(http_settings)
    require_keys(keys, host, open_to_all=open_to_all)
    log.configure(level="WARNING", service="standalone")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    listener, door = bind(host, port), Door()
    try:
        with (
            tracing("standalone", TracingSettings.from_environment()),
            closing(HttpServer(traced_app(door), listener, certificate)) as http,
        ):
            # Only now: the parts take seconds to import, and the door answers meanwhile.
            from services.standalone.compose import compose
            from services.standalone.loading import Loading, application, load, open_source

            source, loading = open_source(catalogue, currency=currency, terminal=terminal), Loading()
            # HTTP ends before the parts do, so that requests under way can finish.
            with compose(settings) as parts, closing(http):
                door.open(application(parts, loading, source.credits, KeyRing(keys)))
                failed = load(parts, source, loading, terminal)
                memory.settle()
                status = parts.catalogue.status()
                ready_s, address = time.monotonic() - began, _address(host, listener, certificate)
                if as_json:
                    terminal.json({"address": address, "products": status.products, "failed": len(failed), "ready_s": round(ready_s, 2)})
                terminal.say(f"{status.products} products, ready in {ready_s:.1f} s: {address} (Ctrl-C stops)")
                http.wait()
    except KeyboardInterrupt:
        terminal.remark("Stopped.")


class HttpServer:
    """Answers on a listening socket, from a thread of its own, until it is closed."""

    def __init__(self, app: ASGIApp, listener: socket.socket, certificate: Certificate | None = None) -> None:
        """``certificate``: for HTTPS; followed when it is renewed."""
        options = {} if certificate is None else certificate.options()
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=10, **options)
        config.load()
        self._server, self._certificate = uvicorn.Server(config), certificate
        self._listener = listener
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http")
        self._thread.start()

    def wait(self) -> None:
        """Returns never of itself. Raises ``Unavailable`` where the server ended unasked."""
        # Not by joining: a join that a signal breaks off takes the thread for ended, and close() would wait for nothing.
        self._ended.wait()
        raise Unavailable("The HTTP server ended; its log says why.")

    def close(self) -> None:
        """Finish the requests under way, ten seconds at most, and stop."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            with renewing(self._certificate, self._server.config.ssl):
                self._server.run(sockets=[self._listener])
        finally:
            self._ended.set()


def bind(host: str, port: int) -> socket.socket:
    """Listen, or say in a sentence why that cannot be. Raises ``FailedPrecondition`` and ``InvalidArgument``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                raise FailedPrecondition(f"Port {port} is in use; choose another with --port, or stop what uses it.") from error
            case errno.EACCES:
                raise InvalidArgument(f"Port {port} may not be used without privileges; choose one above 1023 with --port.") from error
        raise InvalidArgument(f"{host} is no address of this machine to listen on; choose another with --host.") from error
    # asyncio sets it only on sockets that it made itself; without it each answer on a kept connection waits for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _address(host: str, listener: socket.socket, certificate: Certificate | None) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - recognised, not bound to
    return f"http{'' if certificate is None else 's'}://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}/"
