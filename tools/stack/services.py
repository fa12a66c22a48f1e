"""Services as processes of their own, on free ports of loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 120.0
"""What starting and stopping may take on a busy machine; only a failure takes that long."""


class ServiceProcess:
    """``python -m services.<name>``; its settings are given without their prefix. The log tells the ports it took."""

    def __init__(self, name: str, *, log: Path | None = None, environment: Mapping[str, str] | None = None, **settings: object) -> None:
        """``log``: a file that is given the whole log; without one, only its end is kept. environment: variables beside the settings."""
        self.name = name
        self._log = None if log is None else log.open("a")
        given = {f"SHOPLENS_{name}_{key}".upper(): str(value) for key, value in {"port": 0, **settings}.items()}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("SHOPLENS_")}
        command = [sys.executable, "-m", f"services.{name}"]
        self._process = subprocess.Popen(
            command, env={**inherited, **given, **(environment or {})}, stderr=subprocess.PIPE, text=True, start_new_session=log is not None
        )
        self._ports: dict[str, int] = {}
        self._said: deque[str] = deque(maxlen=30)
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def address(self) -> str:
        """Where it serves gRPC, as soon as it does."""
        return self._listening("serving")

    @property
    def http_address(self) -> str:
        return self._listening("serving http")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._reader.join()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def wait(self) -> int:
        """Its exit status, once it has ended by itself."""
        status = self._process.wait(PATIENCE_S)
        self._reader.join()
        return status

    def said(self) -> str:
        """The end of its log."""
        return "".join(self._said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _listening(self, event: str) -> str:
        with self._changed:
            self._changed.wait_for(lambda: event in self._ports or self._process.poll() is not None, PATIENCE_S)
            assert event in self._ports, f"{self.name} does not serve:\n{self.said()}"
            return f"127.0.0.1:{self._ports[event]}"

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._said.append(line)
            if self._log is not None:
                self._log.write(line)
                self._log.flush()
            with self._changed:
                self._note(line)
        self._process.wait()
        with self._changed:
            self._changed.notify_all()

    def _note(self, line: str) -> None:
        # A library that writes to the same stream may share the line.
        try:
            entry, _ = json.JSONDecoder().raw_decode(line, line.index("{"))
        except ValueError:
            return
        if "port" in entry:
            self._ports[entry["event"]] = entry["port"]
            self._changed.notify_all()
