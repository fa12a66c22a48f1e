"""The update stream: events of a log take effect in the catalogue, each once, those of one product in order.

::

    source ─ poll ─► parse ─► lanes, one a product ─► pictures encoded, products side by side
                       │                                      │
                       ▼                                      ▼
                  dead letters                 catalogue.apply, many at once ─► commit of what is in effect

What a message asks for decides whom a failure belongs to. A message that cannot be read, a picture that is none, a change of a
product that does not exist: the message's own fault, so it goes to the dead letters, with its reason, and the rest flows on. A
catalogue, an encoder or a broker that is away: nobody's fault, so the stream waits, tries again and skips nothing. A picture's
own web server that is away: tried a few times, while other products go ahead, then a dead letter.

Offsets are committed once everything before them is in effect or a dead letter. After a crash some events come again; the
catalogue knows by their position that they were there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from services.ingest.category import node_after
from services.ingest.lanes import Lanes, Task
from services.ingest.preparation import Preparation
from services.ingest.progress import Progress
from shoplens import deadlines, metrics, priorities
from shoplens.domain import DeadLetter, Message, PreparedPatch, PreparedPut, ProductDeletion, ProductDraft, ProductPatch, Write
from shoplens.errors import DeadlineExceeded, InternalError, InvalidArgument, PictureUnreachable, ShoplensError
from shoplens.events import operation_of, parse_event
from shoplens.ports import Catalogue, DeadLetters, UpdateSource
from shoplens.tracing import TRACEPARENT, continued, span

MOST_WAITING: Final = 4_000
"""Events that are read and not yet in effect; more are left in the log."""

MOST_AT_ONCE: Final = 500
"""Writes of one commit."""

MOST_BYTES: Final = 32 << 20
"""Bytes of pictures in one commit."""

_APPLY_S: Final = 20.0
_PREPARE_S: Final = 60.0
_IDLE_S: Final = 0.25
_BUSY_S: Final = 0.03
_MARK_S: Final = 0.25
_COMMIT_S: Final = 1.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is like to mend itself is waited for.

    first_s, longest_s: between two tries, the longer the oftener it failed. picture_tries: until a picture whose server is away
    counts as dead. fault_tries: until a message that we stumble over does, while others go well.
    """

    first_s: float = 0.2
    longest_s: float = 5.0
    picture_tries: int = 6
    fault_tries: int = 5

    def pause_s(self, failures: int) -> float:
        return float(min(self.longest_s, self.first_s * 2 ** max(0, failures - 1)))


class UpdateStream:
    """Drives one source; ``run`` it in a thread of its own."""

    def __init__(
        self,
        source: UpdateSource,
        preparation: Preparation,
        catalogue: Catalogue,
        dead: DeadLetters,
        *,
        workers: int = 4,
        patience: Patience | None = None,
    ) -> None:
        """``workers``: products whose pictures are encoded at once."""
        self._source = source
        self._preparation = preparation
        self._catalogue = catalogue
        self._dead = dead
        self._patience = patience or Patience()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="stream")
        self._lanes = Lanes()
        self._progress = Progress()
        self._limit = MOST_AT_ONCE
        self._failures = 0
        self._held_until = 0.0
        self._went_well = 0
        self._done: dict[str, int] = {}
        self._marked = self._committed = 0.0
        source.on_lost(self._lost)

    def run(self, stop: threading.Event) -> None:
        """Until ``stop`` is set; then what is in effect is committed, and what is not will come again."""
        try:
            while not stop.is_set():
                self.step()
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._commit()

    def step(self) -> None:
        """One round: read, apply what is ready, commit."""
        self._read()
        now = time.monotonic()
        if now >= self._held_until:
            self._apply(self._lanes.ready(now, self._limit))
        self._source.reached(self._progress.committable())
        self._tell(now)

    def _read(self) -> None:
        """Take what is new. Where too much waits, or a dependency is away, nothing new is taken but the log is kept."""
        full = len(self._lanes) >= MOST_WAITING or time.monotonic() < self._held_until
        if full:
            self._source.pause()
        else:
            self._source.resume()
        try:
            messages = self._source.poll(_BUSY_S if len(self._lanes) else _IDLE_S)
        except ShoplensError as error:
            if time.monotonic() >= self._held_until:  # else it is known, and the poll was for the heartbeats alone
                self._hold(error)
            time.sleep(_BUSY_S)
            return
        for message in messages:
            if self._progress.begun(message):
                self._take(message)

    def _take(self, message: Message) -> None:
        try:
            update = parse_event(message.key, message.value)
        except InvalidArgument as error:
            # No lane of a product's: what cannot be read holds nothing up.
            self._lanes.add(Task(message, f"\0{message.position.log}\0{message.position.offset}", "unreadable", fault=error))
            return
        task = Task(message, update.id, operation_of(update), update)
        self._lanes.add(task)
        self._prepare(task)

    def _prepare(self, task: Task) -> None:
        """Have its pictures encoded, where it has any; its turn in its lane comes later."""
        draft = task.update
        if isinstance(draft, ProductDraft):
            task.prepared = self._pool.submit(self._prepared, draft, task.message.trace)

    def _prepared(self, draft: ProductDraft, trace: str) -> PreparedPut:
        with continued("prepare an event", {TRACEPARENT: trace}), deadlines.within(_PREPARE_S), priorities.bulk():
            return self._preparation.prepare(draft)

    def _apply(self, ready: Sequence[Task]) -> None:
        """Bring to the catalogue what can be brought."""
        tasks: list[Task] = []
        try:
            tasks, writes = self._writes(ready)
            if writes:
                with span("apply events", events=len(writes)), deadlines.within(_APPLY_S):
                    outcomes = self._catalogue.apply(writes)
                self._limit = min(MOST_AT_ONCE, 2 * self._limit)
                for task, outcome in zip(tasks, outcomes, strict=True):
                    if outcome.error is not None:
                        self._bury(task, outcome.error)
                    else:
                        self._end(task, "applied" if outcome.changed else "unchanged")
                        self._went_well += 1
        except (InvalidArgument, InternalError) as error:
            self._narrow(tasks, error)
        except ShoplensError as error:
            self._hold(error)
        else:
            self._let_go()

    def _writes(self, ready: Sequence[Task]) -> tuple[list[Task], list[Write]]:
        """What can be written now; on the way, what never can becomes a dead letter. Raises what the dead letters do."""
        tasks: list[Task] = []
        writes: list[Write] = []
        waiting: set[str] = set()
        size = 0
        for task in ready:
            if task.lane in waiting:
                continue
            if task.fault is not None:
                self._bury(task, task.fault)
                continue
            change = self._change(task)
            if change is None:
                waiting.add(task.lane)
                continue
            size += sum(len(image.content) for image in change.images) if isinstance(change, PreparedPut) else 0
            if writes and size > MOST_BYTES:
                break
            tasks.append(task)
            writes.append(Write(change, task.message.position))
        return tasks, writes

    def _change(self, task: Task) -> PreparedPut | PreparedPatch | ProductDeletion | None:
        """What a task asks the catalogue for; None where it has to wait."""
        match task.update:
            case ProductPatch() as patch:
                return PreparedPatch(patch, node_after(patch.changes))
            case ProductDeletion() as deletion:
                return deletion
        if task.prepared is None:
            self._prepare(task)
            return None
        try:
            return task.prepared.result()
        except Exception as error:  # noqa: BLE001 - whatever a picture makes our code do, the stream goes on
            self._try_again(task, error)
            return None

    def _try_again(self, task: Task, error: Exception) -> None:
        """Its pictures could not be encoded: once more later, or never where that is the product's own fault."""
        task.prepared = None
        task.failures += 1
        task.not_before = time.monotonic() + self._patience.pause_s(task.failures)
        match error:
            case InvalidArgument():
                task.fault = error
            case PictureUnreachable() if task.failures >= self._patience.picture_tries:
                task.fault = error
            case ShoplensError() if not isinstance(error, InternalError | DeadlineExceeded):
                _log.warning("a product waits", product_id=task.lane, problem=str(error))
            case _:
                self._suspect(task, error)
        if task.fault is not None:
            task.not_before = 0.0

    def _suspect(self, task: Task, error: Exception) -> None:
        """A fault of ours, perhaps by this message alone: given up where it fails time and again while others go well."""
        _log.error("an event failed", product_id=task.lane, failures=task.failures, exc_info=error)
        if task.seen < 0:
            task.seen = self._went_well
        if task.failures >= self._patience.fault_tries and self._went_well > task.seen:
            task.fault = error if isinstance(error, ShoplensError) else InternalError("shoplens failed at this message; its log says how.")
        self._lanes.step_back(task)

    def _narrow(self, tasks: Sequence[Task], error: ShoplensError) -> None:
        """One of several writes makes the whole request fail: find it by bringing fewer."""
        self._limit = max(1, len(tasks) // 2)
        if len(tasks) != 1:
            self._hold(error)
            return
        task = tasks[0]
        if isinstance(error, InvalidArgument):
            task.fault = error
            return
        task.failures += 1
        self._suspect(task, error)
        if task.fault is None:
            self._hold(error)

    def _bury(self, task: Task, error: ShoplensError) -> None:
        self._dead.send(DeadLetter(task.message, error.reason, error.message))
        metrics.UPDATES_DEAD.labels(reason=error.reason).inc()
        _log.warning("a dead letter", reason=error.reason, detail=error.message, offset=task.message.position.offset)
        self._end(task, "dead")

    def _end(self, task: Task, outcome: str) -> None:
        self._lanes.done(task)
        self._progress.ended(task.message)
        metrics.UPDATES.labels(operation=task.operation, outcome=outcome).inc()
        if outcome != "dead":
            seconds = (datetime.now(UTC) - task.message.told_at).total_seconds()
            metrics.UPDATE_SECONDS.labels(operation=task.operation).observe(max(0.0, seconds))

    def _hold(self, error: ShoplensError) -> None:
        """Wait: a part that everything needs is away."""
        self._failures += 1
        self._held_until = time.monotonic() + self._patience.pause_s(self._failures)
        metrics.UPDATES_HELD_UP.set(1)
        _log.warning("the stream waits", failures=self._failures, problem=str(error))

    def _let_go(self) -> None:
        if self._failures:
            self._failures = 0
            metrics.UPDATES_HELD_UP.set(0)

    def _tell(self, now: float) -> None:
        """Say how far things are, to whoever asks: the catalogue, the dashboards, the log's own bookkeeping."""
        if now - self._marked >= _MARK_S:
            self._marked = now
            self._mark()
        if now - self._committed >= _COMMIT_S:
            self._committed = now
            self._commit()

    def _mark(self) -> None:
        moment = datetime.now(UTC)  # before it is asked what is unread
        try:
            behind = self._source.behind()
        except ShoplensError as error:
            _log.debug("what is unread is not known", problem=str(error))
            return
        oldest = self._progress.oldest()
        metrics.UPDATES_WAITING.set(len(self._lanes))
        metrics.UPDATES_OLDEST_SECONDS.set(0.0 if oldest is None else max(0.0, (moment - oldest).total_seconds()))
        for log, messages in behind.items():
            metrics.UPDATES_BEHIND.labels(log=log).set(messages)
        marks = self._progress.marks(behind, moment)
        if not marks:
            return
        try:
            with deadlines.within(_MARK_S):
                self._catalogue.mark_fresh(marks)
        except ShoplensError as error:
            _log.debug("freshness not told", problem=str(error))

    def _commit(self) -> None:
        offsets = {log: offset for log, offset in self._progress.committable().items() if self._done.get(log) != offset}
        if not offsets:
            return
        try:
            self._source.commit(offsets)
        except ShoplensError as error:
            _log.warning("offsets not committed; some events may come again", problem=str(error))
        else:
            self._done |= offsets

    def _lost(self, logs: Collection[str]) -> None:
        """Another reader has taken these logs over, from where they were reached."""
        self._lanes.drop(logs)
        self._progress.drop(logs)
        for log in logs:
            self._done.pop(log, None)
            with suppress(KeyError):  # it was never told of
                metrics.UPDATES_BEHIND.remove(log)
