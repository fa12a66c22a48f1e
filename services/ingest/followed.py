"""Updates from a file that is followed, for shops without Kafka: an event a line, appended by whoever has one.

The offset of a message is where its line begins, in bytes. A line counts once its end has been written. How far the file is in
effect is kept beside the catalogue, so a restart goes on there; a file that was replaced or cut short is read from its start, as a
log of its own.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Self

import structlog

from shoplens.domain import DeadLetter, Message, Position
from shoplens.errors import FailedPrecondition, Unavailable
from shoplens.events import dead_letter_document

MOST_LINES: Final = 1_000
MOST_LINE_BYTES: Final = 64 << 20
_LOOK_S: Final = 0.05

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a file is in effect. inode: which file that was. generation: rises with each file that is taken for a new one."""

    inode: int
    generation: int
    offset: int


class FollowedFile:
    """Implements ``ports.UpdateSource`` over one file. mark: the file that keeps how far it is in effect."""

    def __init__(self, path: Path, mark: Path) -> None:
        """The file need not be there yet. Raises ``FailedPrecondition`` where the mark cannot be read."""
        self._path = path
        self._mark_path = mark
        self._mark = _read_mark(mark)
        self._file: IO[bytes] | None = None
        self._at = 0
        self._paused = False
        self._open()

    def poll(self, timeout_s: float) -> Sequence[Message]:
        until = time.monotonic() + timeout_s
        while True:
            found = [] if self._paused else self._lines()
            left_s = until - time.monotonic()
            if found or left_s <= 0:
                return found
            time.sleep(min(_LOOK_S, left_s))

    def on_lost(self, tell: Callable[[Collection[str]], None]) -> None:
        """Nobody takes a file over."""

    def reached(self, offsets: Mapping[str, int]) -> None:
        """A file is never given up."""

    def commit(self, offsets: Mapping[str, int]) -> None:
        offset = offsets.get(self._name)
        if offset is None:
            return
        # To the stream what follows a message is one more than the message's offset; here it is where the next line begins.
        following = offset if self._file is None else _line_start(self._file, offset)
        self._mark = _Mark(self._mark.inode, self._mark.generation, following)
        made = self._mark_path.with_suffix(".new")
        try:
            with made.open("w") as file:
                json.dump(asdict(self._mark), file)
                file.flush()
                os.fsync(file.fileno())
            made.replace(self._mark_path)
        except OSError as error:
            raise Unavailable(f"How far {self._path} is in effect could not be kept ({error.strerror}); make room.") from error

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def behind(self) -> Mapping[str, int]:
        """1 where anything is unread: how many lines that are is not known."""
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        return {self._name: int(size > self._at)}

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _name(self) -> str:
        return f"file:{self._path.name}:{self._mark.generation}"

    def _open(self) -> bool:
        """Whether the file is there, open, and the one that the mark is of."""
        try:
            status = self._path.stat()
        except OSError:
            return False
        if self._file is not None and status.st_ino == self._mark.inode and status.st_size >= self._at:
            return True
        try:
            file = self._path.open("rb")
        except OSError as error:
            _log.warning("the file of updates cannot be read", path=str(self._path), problem=str(error))
            return False
        cut_short = status.st_size < (self._mark.offset if self._file is None else self._at)
        if status.st_ino != self._mark.inode or cut_short:
            self._mark = _Mark(status.st_ino, self._mark.generation + 1, 0)
            _log.info("a new file of updates", path=str(self._path), generation=self._mark.generation)
        self.close()
        self._file, self._at = file, _line_start(file, self._mark.offset)
        return True

    def _lines(self) -> list[Message]:
        if not self._open() or self._file is None:
            return []
        found: list[Message] = []
        now = datetime.now(UTC)
        self._file.seek(self._at)
        while len(found) < MOST_LINES:
            line = self._file.readline(MOST_LINE_BYTES)
            if not line.endswith(b"\n") and len(line) < MOST_LINE_BYTES:
                break  # its end is still to be written
            if line.strip():
                found.append(Message(Position(self._name, self._at), None, line.strip(), now))
            self._at += len(line)
        return found


class DeadFile:
    """Implements ``ports.DeadLetters``: a letter a line, synced to disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, letter: DeadLetter) -> None:
        line = json.dumps(dead_letter_document(letter), ensure_ascii=False) + "\n"
        try:
            with self._path.open("ab") as file:
                file.write(line.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable(f"The dead letter could not be kept in {self._path} ({error.strerror}); make room.") from error


def _line_start(file: IO[bytes], offset: int) -> int:
    """Where the first line begins that does not begin before ``offset``."""
    if offset == 0:
        return 0
    file.seek(offset - 1)
    return offset - 1 + len(file.readline())


def _read_mark(path: Path) -> _Mark:
    try:
        return _Mark(**json.loads(path.read_text()))
    except FileNotFoundError:
        return _Mark(0, 0, 0)
    except (OSError, ValueError, TypeError) as error:
        raise FailedPrecondition(f"{path} does not say how far the updates are in effect; remove it to read them all again.") from error
