"""Everything that can befall a part of a running system, made to order and mended again."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import grpc

from tools.stack.relay import Relay
from tools.stack.system import STORES, System

SLOW_S: Final = 20.0
"""Longer than anybody waits."""


class Faults:
    """The faults of a system whose parts are reached through ``relays``, by name."""

    def __init__(self, system: System, relays: Mapping[str, Relay]) -> None:
        self._system = system
        self._relays = relays
        self._targets = {name: system.addresses[name] for name in relays}

    @contextmanager
    def dead(self, part: str) -> Iterator[None]:
        """Killed, and started again in the end."""
        self._kill(part)
        try:
            yield
        finally:
            self._start(part)

    @contextmanager
    def restarted(self, part: str) -> Iterator[None]:
        """Killed, and there again."""
        self._kill(part)
        self._start(part)
        yield

    @contextmanager
    def hanging(self, part: str) -> Iterator[None]:
        """It holds its connections, accepts new ones, and does nothing."""
        processes = list(family(self._pid(part)))
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def slow(self, part: str) -> Iterator[None]:
        """Its answers come when nobody waits for them any more."""
        self._relays[part].slow(SLOW_S)
        try:
            yield
        finally:
            self._relays[part].mend()

    @contextmanager
    def cut_off(self, part: str) -> Iterator[None]:
        """The network drops everything to and from it."""
        self._relays[part].cut()
        try:
            yield
        finally:
            self._relays[part].mend()

    @contextmanager
    def answering_nonsense(self, part: str) -> Iterator[None]:
        """Somebody else listens at its address, and answers every call with bytes that mean nothing."""
        server = grpc.server(ThreadPoolExecutor(4), handlers=[_Nonsense()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self._relays[part].lead_to(f"127.0.0.1:{port}")
        try:
            yield
        finally:
            self._relays[part].lead_to(self._targets[part])
            server.stop(None).wait()

    @contextmanager
    def full_disk(self, part: str) -> Iterator[None]:
        """Whatever a service writes to a file, the kernel refuses: for the process, a disk without a byte left."""
        pid = self._pid(part)
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    def _pid(self, part: str) -> int:
        return self._system.store(part).pid if part in STORES else self._system.services[part].pid

    def _kill(self, part: str) -> None:
        if part in STORES:
            self._system.store(part).kill()
        else:
            self._system.services[part].kill()

    def _start(self, part: str) -> None:
        if part in STORES:
            self._system.store(part).start()
        else:
            self._system.start(part)


class _Nonsense(grpc.GenericRpcHandler):
    """Serves every method there is."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:  # noqa: ARG002 - gRPC passes it
        return grpc.unary_unary_rpc_method_handler(_nonsense)


def _nonsense(_request: bytes, _context: grpc.ServicerContext) -> bytes:
    return b"\xff\xff\xff\xff nonsense"


def family(pid: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # the thread, or a child, ended just now
            for child in (task / "children").read_text().split():
                yield from family(int(child))
