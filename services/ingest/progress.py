"""How far each log is in effect: what may be committed, and how fresh the catalogue is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shoplens.domain import Message


@dataclass(slots=True)
class _Log:
    """pending: by offset, when it was told; in the order of the log. following: the offset after the last one that was read."""

    pending: dict[int, datetime] = field(default_factory=dict)
    following: int = 0
    last_told: datetime | None = None


class Progress:
    """Messages are begun in the order of their log and ended in any order."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}

    def begun(self, message: Message) -> bool:
        """Note a message that was read; False where it is under way already, after its log was read from an earlier place again."""
        log = self._logs.setdefault(message.position.log, _Log())
        if message.position.offset in log.pending:
            return False
        log.pending[message.position.offset] = message.told_at
        log.following = max(log.following, message.position.offset + 1)
        log.last_told = message.told_at
        return True

    def ended(self, message: Message) -> None:
        """It is in effect, or a dead letter."""
        log = self._logs.get(message.position.log)
        if log is not None:
            log.pending.pop(message.position.offset, None)

    def drop(self, logs: Collection[str]) -> None:
        for name in logs:
            self._logs.pop(name, None)

    def committable(self) -> dict[str, int]:
        """By log, the offset before which everything has ended."""
        return {name: min(log.pending, default=log.following) for name, log in self._logs.items()}

    def oldest(self) -> datetime | None:
        """When the oldest message under way was told."""
        return min((told for log in self._logs.values() for told in log.pending.values()), default=None)

    def marks(self, behind: Mapping[str, int], now: datetime) -> dict[str, datetime]:
        """By log, the moment up to which all that was told is in effect: now, where nothing waits and nothing is unread.

        behind: as in ``UpdateSource.behind``, looked up no later than ``now``. A log of which nothing is known has no mark.
        """
        marks = {}
        for name, unread in behind.items():
            log = self._logs.get(name, _Log())
            if log.pending:
                marks[name] = min(log.pending.values())
            elif not unread:
                marks[name] = now
            elif log.last_told is not None:
                marks[name] = log.last_told
        return marks
