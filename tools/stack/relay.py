"""A wire with faults to order: it stands before a service, and passes on what is sent, late, or not at all."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from tools.stack.ports import free_port

_CHUNK: Final = 1 << 16


class Relay:
    """Listens at ``address`` and connects everybody to ``target`` (host:port). Use it as a context."""

    def __init__(self, target: str, *, port: int | None = None) -> None:
        self._target = target
        self._port = port or free_port()
        self._delay_s = 0.0
        self._loop = asyncio.new_event_loop()
        self._hurrying = asyncio.Event()
        self._hurrying.set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"relay-{target}", daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def slow(self, seconds: float) -> None:
        """Every answer comes so much later."""
        self._delay_s = seconds
        self._loop.call_soon_threadsafe(self._hurrying.clear)

    def cut(self) -> None:
        """Nothing gets through, and nobody is told: what a firewall does that drops everything."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def lead_to(self, target: str) -> None:
        """From now on somebody else answers; who is connected is hung up on."""
        self._target = target
        self._loop.call_soon_threadsafe(self._hang_up)

    def mend(self) -> None:
        """Everything gets through at once again, what was held back too."""
        self._loop.call_soon_threadsafe(self._hurrying.set)
        self._loop.call_soon_threadsafe(self._flowing.set)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(asyncio.start_server(self._accept, "127.0.0.1", self._port), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._hang_up)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _hang_up(self) -> None:
        for writer in self._open:
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._target.rpartition(":")
        await self._flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        ends = {writer, far_writer}
        self._open |= ends
        try:
            await asyncio.gather(self._pump(reader, far_writer, answers=False), self._pump(far_reader, writer, answers=True))
        finally:
            self._open -= ends

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flowing.wait()
                if answers:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._hurrying.wait(), self._delay_s)
                writer.write(data)
                await writer.drain()
        writer.close()
