"""Writes to an embedded index can be paused by another process, so that what lies on the disk can be copied as one state.

Every write holds a shared ``flock`` on ``.<index>.writes``, whoever copies an exclusive one. A write waits for it as long as its
deadline allows; reads do not notice.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from shoplens import deadlines
from shoplens.errors import DeadlineExceeded, Unavailable

_LOOK_S: Final = 0.01


class Writes:
    """The lock of one index, for its process. Writes of several threads are told apart by whoever calls."""

    def __init__(self, index: Path) -> None:
        self._file = _lock_of(index)

    @contextmanager
    def going_on(self, longest_s: float) -> Iterator[None]:
        """A write, which nobody copies the index during. Raises ``DeadlineExceeded`` where it is being copied for too long."""
        until = time.monotonic() + deadlines.remaining_s(longest_s)
        while not _taken(self._file, fcntl.LOCK_SH):
            if time.monotonic() > until:
                raise DeadlineExceeded("The catalogue is being copied for a backup; try again in a moment.")
            time.sleep(_LOOK_S)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._file.close()


@contextmanager
def paused(index: Path, longest_s: float) -> Iterator[None]:
    """No write to the index goes on meanwhile. Raises ``Unavailable`` where one lasts too long."""
    with _lock_of(index) as file:
        until = time.monotonic() + longest_s
        while not _taken(file, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise Unavailable("The catalogue's writes do not pause; try again when less is written.")
            time.sleep(_LOOK_S)
        yield


def _lock_of(index: Path) -> IO[str]:
    index.parent.mkdir(parents=True, exist_ok=True)
    return index.with_name(f".{index.name}.writes").open("a")


def _taken(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
