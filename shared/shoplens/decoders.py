"""Pictures decoded in processes of their own: what a hostile file does to a decoder's C code, it does not do to the server.

Such a process has no environment, opens no file, and is given so much memory and so much time; one that dies, or takes too long, is
replaced, and only the picture that it had is refused. ``python -m shoplens.decoders`` is one of them, and speaks over its pipes::

    request   op (1 byte: h or d), length (8 bytes, big endian), the picture's bytes
    answer    length (4 bytes), a JSON document, and behind it the pixels of a picture that was decoded
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import resource
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np
import structlog
from PIL import Image

from shoplens import deadlines, images, metrics
from shoplens.domain import Picture
from shoplens.errors import BY_REASON, Overloaded, PictureTooLarge, ShoplensError, UnreadablePicture

MEMORY_BYTES: Final = 2 << 30
"""Addresses that a process may use: its own 300 MB, and what the largest picture takes."""

LONGEST_S: Final = 15.0
"""What a picture may take; the largest takes three seconds."""

DECODERS: Final = "Processes that decode pictures, apart from this one; 0 decodes in this one, a millisecond sooner."
"""What the setting of every service that reads pictures says."""

COMMAND: Final = (sys.executable, "-m", "shoplens.decoders")

_REQUEST: Final = struct.Struct(">cQ")
_ANSWER: Final = struct.Struct(">I")
_HEADER, _DECODE = b"h", b"d"
_MOST_SAID: Final = 1 << 16
_MOST_PIXELS: Final = 3 * images.WORKING_SIDE**2
_PIPE_BYTES: Final = 1 << 20
_SET_PIPE_SIZE: Final = 1031

_log = structlog.get_logger(__name__)


class Decoders:
    """Implements ``images.Reader`` with ``count`` processes. ``close`` it, or use it as a context."""

    def __init__(
        self, count: int, *, longest_s: float = LONGEST_S, memory_bytes: int = MEMORY_BYTES, command: Sequence[str] = COMMAND
    ) -> None:
        """command: what is started; the memory is its last argument."""
        self._longest_s = longest_s
        self._command = (*command, str(memory_bytes))
        self._free: queue.LifoQueue[_Process] = queue.LifoQueue()
        self._all: set[_Process] = set()
        self._lock = threading.Lock()
        self._closed = False
        for _ in range(count):
            self._free.put(self._started())

    def header(self, content: bytes) -> images.Header:
        said, _ = self._ask(_HEADER, content)
        with _understanding():
            return images.Header(said["media_type"], said["width"], said["height"])

    def decode(self, content: bytes) -> Picture:
        said, pixels = self._ask(_DECODE, content)
        with _understanding():
            read_only = np.frombuffer(memoryview(pixels).toreadonly(), np.uint8).reshape(said["rows"], said["columns"], 3)
            return Picture(read_only, images.content_hash(content), said["width"], said["height"])

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for process in self._all:
                process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(self, op: bytes, content: bytes) -> tuple[dict[str, Any], bytearray]:
        """Raises what the process answers with, ``UnreadablePicture`` where it dies or takes too long, ``Overloaded``."""
        images.check_size(content)
        try:
            process = self._free.get(timeout=deadlines.remaining_s(self._longest_s))
        except queue.Empty:
            raise Overloaded("Too many pictures are being read; try again shortly.", retry_after_s=1.0) from None
        try:
            try:
                said, pixels = process.ask(op, content, self._longest_s)
            except _DiedError as died:
                # Perhaps of something else: the machine may have needed its memory.
                process = self._replaced(process, died)
                said, pixels = process.ask(op, content, self._longest_s)
        except _DiedError as died:
            process = self._replaced(process, died)
            raise UnreadablePicture("The picture makes its decoder fail; save it again as an ordinary JPEG.") from died
        except TimeoutError as late:
            process = self._replaced(process, late)
            deadlines.check()
            raise UnreadablePicture("The picture takes too long to decode; save it again as an ordinary JPEG.") from late
        finally:
            self._free.put(process)
        if "error" in said:
            raise BY_REASON.get(said["error"], ShoplensError)(said["message"])
        return said, pixels

    def _started(self) -> _Process:
        process = _Process(self._command)
        with self._lock:
            if self._closed:
                process.end()
            self._all.add(process)
        return process

    def _replaced(self, lost: _Process, cause: Exception) -> _Process:
        metrics.DECODERS_LOST.inc()
        _log.warning("a decoder was lost, and is replaced", problem=str(cause))
        lost.end()
        with self._lock:
            self._all.discard(lost)
        return self._started()


@contextmanager
def _understanding() -> Iterator[None]:
    """What a process says may be anything, too."""
    try:
        yield
    except (LookupError, TypeError, ValueError) as error:
        raise UnreadablePicture("The picture makes its decoder fail; save it again as an ordinary JPEG.") from error


class _DiedError(Exception):
    """The process is gone."""


class _Process:
    """One process; used by one thread at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        paths = os.pathsep.join(each for each in sys.path if each)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            bufsize=0,
            start_new_session=True,  # a Ctrl-C at the terminal is for the server
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        for pipe in (self._in, self._out):
            os.set_blocking(pipe.fileno(), False)
            with suppress(OSError):  # a smaller pipe is a little slower
                _widen(pipe)

    def ask(self, op: bytes, content: bytes, longest_s: float) -> tuple[dict[str, Any], bytearray]:
        """The answer's document and what comes behind it. Raises ``_DiedError`` and ``TimeoutError``.

        Whoever asks may run out of time meanwhile: a process that has begun is not ended for that, for it would only be begun again.
        """
        until = time.monotonic() + longest_s
        try:
            self._write(_REQUEST.pack(op, len(content)), until)
            self._write(content, until)
            (length,) = _ANSWER.unpack(self._read(_ANSWER.size, until, most=_ANSWER.size))
            said: dict[str, Any] = json.loads(self._read(length, until, most=_MOST_SAID))
            return said, self._read(int(said["bytes"]), until, most=_MOST_PIXELS)
        except TimeoutError:
            raise
        except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
            raise _DiedError(f"a decoder gave no answer ({type(error).__name__})") from error

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._in, self._out):
            with suppress(OSError):
                pipe.close()

    def _write(self, data: bytes, until: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self._in, until, writing=True)
            view = view[os.write(self._in.fileno(), view) :]

    def _read(self, size: int, until: float, *, most: int) -> bytearray:
        """A process that a picture has taken over may say anything: no more is read than an honest one sends."""
        if not 0 <= size <= most:
            raise ValueError("an answer of an impossible size")
        read = bytearray(size)
        view = memoryview(read)
        while view:
            _wait(self._out, until, writing=False)
            got = os.readv(self._out.fileno(), [view])
            if not got:
                raise EOFError
            view = view[got:]
        return read


@contextmanager
def decoding_apart(count: int) -> Iterator[None]:
    """Inside, this process' pictures are decoded by ``count`` others; by itself where that is 0."""
    if not count:
        yield
        return
    with Decoders(count) as decoders, images.read_by(decoders):
        yield


def _wait(pipe: IO[bytes], until: float, *, writing: bool) -> None:
    left_s = until - time.monotonic()
    if left_s <= 0 or not any(select.select([] if writing else [pipe], [pipe] if writing else [], [], left_s)):
        raise TimeoutError("out of time")


def _widen(pipe: IO[bytes]) -> None:
    fcntl.fcntl(pipe.fileno(), _SET_PIPE_SIZE, _PIPE_BYTES)


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer until the other side hangs up."""
    while head := source.read(_REQUEST.size):
        op, length = _REQUEST.unpack(head)
        said, pixels = _answer(op, source.read(length))
        said["bytes"] = len(pixels)
        document = json.dumps(said).encode()
        sink.write(_ANSWER.pack(len(document)) + document)
        sink.write(pixels)
        sink.flush()


def _answer(op: bytes, content: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        if op == _HEADER:
            header = images.HERE.header(content)
            return {"media_type": header.media_type, "width": header.width, "height": header.height}, b""
        picture = images.HERE.decode(content)
    except ShoplensError as error:
        return {"error": error.reason, "message": error.message}, b""
    except MemoryError:
        return {"error": PictureTooLarge.reason, "message": "The picture takes too much memory to decode; send a smaller one."}, b""
    rows, columns, _ = picture.pixels.shape
    said = {
        "rows": rows, "columns": columns, "width": picture.width, "height": picture.height,
    }  # fmt: skip
    return said, np.ascontiguousarray(picture.pixels).tobytes()


def _main(memory_bytes: int) -> None:
    """Give up everything that a decoder does not need, then work."""
    Image.init()  # while a plugin's file may still be opened
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # As many as are open, less the one that looks: none can be opened any more.
    descriptors = len(list(Path("/proc/self/fd").iterdir())) - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    _serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
