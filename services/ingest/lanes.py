"""Events on their way: those of one product in order, products side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from shoplens.domain import Message, PreparedPut, Update
from shoplens.errors import ShoplensError


@dataclass(slots=True, eq=False)
class Task:
    """An event that is being applied.

    lane: the product's id. prepared: a product whose pictures are being encoded. fault: why it is a dead letter.
    failures: how often it was tried in vain. not_before: on the monotonic clock.
    seen: how many writes had gone well when it was suspected first, −1 where it never was.
    """

    message: Message
    lane: str
    operation: str
    update: Update | None = None
    prepared: Future[PreparedPut] | None = None
    fault: ShoplensError | None = None
    failures: int = 0
    not_before: float = 0.0
    seen: int = -1


class Lanes:
    """A lane a product; in each, tasks in the order in which they came."""

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Task]] = {}
        self._size = 0

    def __len__(self) -> int:
        """How many tasks there are."""
        return self._size

    def add(self, task: Task) -> None:
        self._lanes.setdefault(task.lane, deque()).append(task)
        self._size += 1

    def tasks(self) -> Iterator[Task]:
        """All of them, lane by lane."""
        for lane in list(self._lanes.values()):
            yield from tuple(lane)

    def ready(self, now: float, most: int) -> list[Task]:
        """Up to ``most`` tasks that can be applied now: from each lane those at its head that wait for nothing."""
        found: list[Task] = []
        for lane in self._lanes.values():
            for task in lane:
                if task.not_before > now or (task.prepared is not None and not task.prepared.done()):
                    break
                found.append(task)
                if len(found) == most:
                    return found
        return found

    def done(self, task: Task) -> None:
        """Applied, or given up. It need not be at the head of its lane."""
        lane = self._lanes[task.lane]
        lane.remove(task)
        self._size -= 1
        if not lane:
            del self._lanes[task.lane]

    def step_back(self, task: Task) -> None:
        """Let the other lanes go first."""
        lane = self._lanes.pop(task.lane)
        self._lanes[task.lane] = lane

    def drop(self, logs: Collection[str]) -> None:
        """Forget the tasks of these logs: another reader has them now."""
        for task in list(self.tasks()):
            if task.message.position.log in logs:
                if task.prepared is not None:
                    task.prepared.cancel()
                self.done(task)
