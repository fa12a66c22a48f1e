"""Milvus Lite as a child process: started, watched and stopped by whoever opened the file.

The package's own launcher is not used: it needs ``pkg_resources``, waits half a second at every start, and says nothing
of why a file could not be opened. Two locks lie beside the file ``catalogue.db``:

``.catalogue.db.lock``
    a record lock of this process. The child watches it and exits as soon as it is free, so it never outlives us, not
    even after ``kill -9`` (60 ms, measured).
``.catalogue.db.guard``
    a ``flock`` whose descriptor the child inherits. It is free only once the process *and* its child are gone, so
    nobody opens the file while an orphan still writes to it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from shoplens.errors import FailedPrecondition, InvalidArgument, Unavailable

_NAME = re.compile(r"[A-Za-z0-9._-]{1,36}")  # what the child accepts
_SOCKETS = "shoplens-socket-"
_SQLITE = b"SQLite format 3\0"
_ORPHAN_S = 5.0
_START_S = 20.0
_STOP_S = 5.0
_POLL_S = 0.005


class EmbeddedMilvus:
    """A running child that serves one file; ``address`` is where pymilvus finds it."""

    def __init__(self, path: Path) -> None:
        """Start it. Raises ``FailedPrecondition`` where the file is in use or is no catalogue."""
        self.path = path.absolute()
        if not _NAME.fullmatch(self.path.name):
            raise InvalidArgument(
                f"The catalogue's file name {self.path.name!r} cannot be used;"
                " take at most 36 letters, digits, dots, dashes and underscores."
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._guard = _hold(self.path.with_name(f".{self.path.name}.guard"), self.path)
        self._lock: IO[str] | None = None
        self._directory = Path(tempfile.mkdtemp(prefix=_SOCKETS))  # short, as a socket's path must be
        try:
            _sign(self._guard, self._directory)
            self._check_header()
            self._process = self._start()
        except BaseException:
            self._release()
            raise

    @property
    def address(self) -> str:
        return f"unix:{self._directory / 'milvus.sock'}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def gone(self, within_s: float) -> bool:
        """Whether the child has ended, or does so within this time."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        return not self.alive

    def close(self) -> None:
        """Stop the child and wait until it is gone."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._release()

    def _check_header(self) -> None:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return
        with self.path.open("rb") as file:
            if file.read(len(_SQLITE)) != _SQLITE:
                raise _damaged(self.path)

    def _start(self) -> subprocess.Popen[bytes]:
        spec = find_spec("milvus_lite")
        if spec is None or not spec.submodule_search_locations:
            raise FailedPrecondition(
                "The embedded store is missing; install it with `pip install milvus-lite`, or give a server's address."
            )
        library = Path(spec.submodule_search_locations[0]) / "lib"
        lock_path = self.path.with_name(f".{self.path.name}.lock")
        self._lock = lock_path.open("a")
        fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process = subprocess.Popen(
            [library / "milvus", self.path, self.address, "ERROR", lock_path],
            env={**os.environ, "LD_LIBRARY_PATH": str(library)},
            cwd=self.path.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self._guard.fileno(),),
            start_new_session=True,  # a Ctrl-C at the terminal is ours to handle, not the child's
        )
        until = time.monotonic() + _START_S
        while not self._listens():
            if process.poll() is not None:
                raise _damaged(self.path)
            if time.monotonic() > until:
                process.kill()
                process.wait()
                raise Unavailable(f"The embedded store did not start within {_START_S:.0f} s; look at the machine's load and try again.")
            time.sleep(_POLL_S)
        return process

    def _listens(self) -> bool:
        """Whether a connection succeeds: the socket's file is there a moment earlier, and gRPC waits a second after a refusal."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._directory / "milvus.sock")) == 0

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        self._guard.close()
        shutil.rmtree(self._directory, ignore_errors=True)


def is_in_use(path: Path) -> bool:
    """Whether a process, or the child that it left, has the file open."""
    guard = path.with_name(f".{path.name}.guard")
    if not guard.is_file():
        return False
    with guard.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _hold(guard_path: Path, path: Path) -> IO[str]:
    """Take the guard, waiting a moment for an orphan of a killed process to end."""
    guard = guard_path.open("a+")
    until = time.monotonic() + _ORPHAN_S
    while True:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                guard.seek(0)
                owner = guard.readline().strip()
                guard.close()
                raise FailedPrecondition(
                    f"The catalogue {path} is in use by process {owner or 'unknown'}; stop that one, or send the request to it."
                ) from None
            time.sleep(_POLL_S)
        else:
            return guard


def _sign(guard: IO[str], directory: Path) -> None:
    """Write who holds the guard and where its socket is, and remove the socket's folder that a killed holder left."""
    guard.seek(0)
    _, _, left = guard.read().partition("\n")
    if Path(left).name.startswith(_SOCKETS):
        shutil.rmtree(left, ignore_errors=True)
    guard.seek(0)
    guard.truncate()
    guard.write(f"{os.getpid()}\n{directory}")
    guard.flush()


def _damaged(path: Path) -> FailedPrecondition:
    return FailedPrecondition(
        f"The file {path} is not a readable catalogue; restore it from a backup, or move it away and import the products again."
    )
