# ruff: noqa: ARG002  a fake never waits
"""What the write path keeps things in, in memory: a cache, a log of updates, a box of dead letters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from shoplens.domain import DeadLetter, Message, Position


class FakeCache:
    """Implements ``ports.Cache`` in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        self.kept[key] = value


class FakeUpdates:
    """Implements ``ports.UpdateSource`` over logs in memory, which outlive their readers as a broker's do."""

    def __init__(self, logs: dict[str, list[Message]] | None = None, committed: dict[str, int] | None = None, *, most: int = 50) -> None:
        self.logs = logs if logs is not None else {}
        self.committed = committed if committed is not None else {}
        self.paused = False
        self._most = most
        self._next = dict(self.committed)
        self._reached: dict[str, int] = {}
        self._tell: Callable[[Collection[str]], None] = lambda _logs: None

    def told(self, key: str | bytes | None, value: bytes | None, *, log: str = "log-0", told_at: datetime | None = None) -> Message:
        """Tell an event; it is polled in its turn."""
        messages = self.logs.setdefault(log, [])
        named = key.encode() if isinstance(key, str) else key
        message = Message(Position(log, len(messages)), named, value, told_at or datetime.now(UTC))
        messages.append(message)
        return message

    def poll(self, timeout_s: float) -> Sequence[Message]:
        if self.paused:
            return []
        found: list[Message] = []
        for log, messages in self.logs.items():
            start = self._next.get(log, 0)
            part = messages[start : start + self._most]
            self._next[log] = start + len(part)
            found += part
        return found

    def on_lost(self, tell: Callable[[Collection[str]], None]) -> None:
        self._tell = tell

    def lose(self, log: str) -> None:
        """Another reader takes a log over, and gives it back at once: it is read from what was committed."""
        self.committed.update({name: offset for name, offset in self._reached.items() if name == log})
        self._tell([log])
        self._next[log] = self.committed.get(log, 0)

    def reached(self, offsets: Mapping[str, int]) -> None:
        self._reached = dict(offsets)

    def commit(self, offsets: Mapping[str, int]) -> None:
        self.committed.update(offsets)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def behind(self) -> Mapping[str, int]:
        return {log: len(messages) - self._next.get(log, 0) for log, messages in self.logs.items()}


class FakeDeadLetters:
    """Implements ``ports.DeadLetters`` in a list."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    def send(self, letter: DeadLetter) -> None:
        self.letters.append(letter)
