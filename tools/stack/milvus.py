"""A real Milvus server on loopback only: the PyPI package ``milvus``, shut into a network namespace.

The package listens on every address of most of its ports, so it runs where there is only a loopback of its own::

    this process                          │ the namespace (network and processes)
    binds 127.0.0.1:port, hands it over ──┼─► relay ─► 127.0.0.1:19530, Milvus

The relay accepts on a socket that was made outside, and keeps it. When this process ends, however it ends, the pipe to
the relay closes, the relay exits, and the kernel ends everything else in the namespace with it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tools.stack.ports import free_port

_READY = b"ready\n"


class MilvusServer:
    """A server that keeps its files in ``data``; ``start`` it, ``stop`` or ``kill`` it, and start it again on the same address."""

    def __init__(self, data: Path, *, port: int | None = None) -> None:
        self._data = data
        self._port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where it is reached from here."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Raises ``RuntimeError`` while it does not run."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def start(self) -> None:
        """Returns once it answers."""
        with _listening(self._port) as listener:
            self._process = subprocess.Popen(
                [*_unshare(), sys.executable, "-m", __name__, str(listener.fileno()), str(self._data.absolute())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(listener.fileno(),),
                env={**os.environ, "no_proxy": "127.0.0.1"},
                start_new_session=True,  # a Ctrl-C at the terminal is for whoever started it
            )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != _READY:
            self.stop()
            raise RuntimeError(f"Milvus did not start; its logs are in {self._data / 'logs'}")

    def stop(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would; from now on connections are refused."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()


def why_not() -> str:
    """Why this machine cannot run the server; empty where it can."""
    if find_spec("milvus") is None:
        return "the package milvus==2.3.5 is not installed"
    if shutil.which("unshare") is None:
        return "the command unshare (util-linux) is missing"
    if subprocess.run([*_unshare(), "true"], check=False, capture_output=True).returncode:
        return "this user may not make a network namespace (unshare --net)"
    return ""


@contextmanager
def milvus_server(data: Path, *, port: int | None = None) -> Iterator[MilvusServer]:
    """A running server; stopped at the end."""
    server = MilvusServer(data, port=port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _listening(port: int) -> socket.socket:
    """A killed server's relay holds the port for a moment longer."""
    again = Retrying(retry=retry_if_exception_type(OSError), wait=wait_fixed(0.1), stop=stop_after_delay(10), reraise=True)
    return again(socket.create_server, ("127.0.0.1", port))


def _unshare() -> list[str]:
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *as_root, "--net", "--pid", "--fork", "--kill-child"]


async def _relay(listener: socket.socket, port: int) -> None:
    """Pass every connection on to the server until the parent closes our standard input."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            writer.close()
            return
        with suppress(asyncio.CancelledError):  # the end of the test
            await asyncio.gather(pump(reader, server_writer), pump(server_reader, writer))

    server = await asyncio.start_server(accept, sock=listener)
    async with server:
        sys.stdout.buffer.write(_READY)
        sys.stdout.buffer.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


def _loopback_up() -> None:
    """What ``ip link set lo up`` does, for machines without iproute2."""
    flags_get, flags_set, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = fcntl.ioctl(handle, flags_get, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(handle, flags_set, struct.pack("16sh14x", b"lo", flags | up))


def _main() -> None:
    """Inside the namespace."""
    from milvus import MilvusServer as Server
    from milvus import MilvusServerConfig

    listener = socket.socket(fileno=int(sys.argv[1]))
    _loopback_up()
    config = MilvusServerConfig()
    # As services/catalogue/schema.py asks of every server.
    config.set("queryNode.segcore.interimIndex.enableIndex", "false")
    server = Server(config, data_dir=sys.argv[2])
    server.start()
    try:
        asyncio.run(_relay(listener, server.listen_port))
    finally:
        server.stop()


if __name__ == "__main__":
    _main()
