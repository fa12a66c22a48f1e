"""Follows the plan of a migration in a running server: opens the second generation, keeps it in step, changes over, takes it down.

Two threads: one looks at the plan four times a second and carries it out; the other passes over both indexes
(:mod:`shoplens.migration.mending`), again and again. Nothing is changed over, or taken down, while a pass writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from shoplens import metrics
from shoplens.background import beside
from shoplens.errors import ShoplensError
from shoplens.migration.comparison import Labelled, Shadow, labelled, labelled_photos
from shoplens.migration.generations import Generation, Generations
from shoplens.migration.mending import Pass, mend
from shoplens.migration.plan import Plan, Plans, Wanted, said

LOOK_EVERY_S: Final = 0.25
TELL_EVERY_S: Final = 1.0
REST_S: Final = 5.0
AGAIN_S: Final = 5.0
"""What could not be carried out is tried again: a part of a generation may only have been away."""

REST: Final = 20
"""Between passes that found nothing, so many times a pass's own length."""

_log = structlog.get_logger(__name__)

Open = Callable[[Wanted], Generation]
"""Makes a generation ready to be read and written. Raises errors of :mod:`shoplens.errors`."""

Drop = Callable[[int], None]
"""Removes what a closed generation kept."""


class Overseer:
    """Carries out the plans that are written down on the generations of a server."""

    def __init__(self, plans: Plans, generations: Generations, shadow: Shadow, *, open_: Open, drop: Drop) -> None:
        self._plans = plans
        self._generations = generations
        self._shadow = shadow
        self._open = open_
        self._drop = drop
        self._plan = Plan(Wanted(generations.now.live.number))
        self._said = said(self._plan)
        self._problem = self._unreadable = ""
        self._undone_since: float | None = None
        self._leads = False
        self._pass: Pass | None = None
        self._in_step = False
        self._compared: Labelled | None = None
        self._answered = 0
        self._held = threading.Event()
        self._passing = threading.Lock()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow in the background; on leaving, a pass under way ends early."""
        try:
            with beside("follow", self._follow, daemon=False), beside("mend", self._mend, daemon=False):
                yield
        finally:
            with suppress(ShoplensError):  # what was told last runs out by itself
                self._plans.leave()

    def _follow(self, stop: threading.Event) -> None:
        told = float("-inf")
        while not stop.is_set():
            changed = self._look()
            if changed or time.monotonic() - told >= TELL_EVERY_S:
                told = time.monotonic()
                self._tell()
            stop.wait(LOOK_EVERY_S)

    def _look(self) -> bool:
        """Whether there was something to carry out."""
        try:
            plan = self._plans.read()
        except ShoplensError as error:
            self._unreadable = str(error)
            return False
        self._unreadable = ""
        if plan == self._plan and not self._is_to_be_tried_again():
            return False
        before, self._plan = self._plan, plan
        try:
            self._carry_out(plan, before)
        except ShoplensError as error:
            self._problem, self._undone_since = str(error), time.monotonic()
            _log.error("the migration's plan cannot be carried out", problem=str(error))
        else:
            self._problem, self._undone_since = "", None
        self._said = said(plan)
        return True

    def _is_to_be_tried_again(self) -> bool:
        return self._undone_since is not None and time.monotonic() - self._undone_since >= AGAIN_S

    def _carry_out(self, plan: Plan, before: Plan) -> None:
        now = self._generations.now
        if plan.other is not None and now.other is None:
            wanted = plan.other if plan.live.number == now.live.number else plan.live
            opened = self._open(wanted)
            with self._no_pass():
                self._generations.add(opened)
                self._shadow.reset()
            _log.info("migration started", number=wanted.number)
        if plan.live.number != self._generations.now.live.number:
            with self._no_pass():
                self._generations.switch()
                self._shadow.reset()
        if plan.other is None and (other := self._generations.now.other) is not None:
            with self._no_pass():
                self._generations.remove()
            self._drop(other.number)
            self._compared = None
            _log.info("migration ended", live=plan.live.number)
        if plan.labelled is not None and plan.asked != before.asked:
            # Not here: a change of generation must not wait for it.
            threading.Thread(target=self._compare, args=(Path(plan.labelled), plan.asked), name="labelled", daemon=True).start()

    def _compare(self, table: Path, asked: int) -> None:
        self._compared = None
        try:
            photos = labelled_photos(table)
            with self._generations.using() as pair:
                if pair.other is not None:
                    self._compared = labelled(photos, pair.live.search, pair.other.search)
            self._answered = asked
        except ShoplensError as error:
            self._problem = str(error)

    @contextmanager
    def _no_pass(self) -> Iterator[None]:
        """No pass writes meanwhile; one under way ends at its next product."""
        self._held.set()
        try:
            with self._passing:
                yield
        finally:
            self._in_step = False
            self._held.clear()

    def _mend(self, stop: threading.Event) -> None:
        rest = LOOK_EVERY_S
        while not stop.wait(rest):
            rest = LOOK_EVERY_S
            if self._held.is_set() or not self._leads or self._generations.now.other is None:
                continue
            begun = time.monotonic()
            with self._passing, self._generations.using() as pair:
                if pair.other is None:
                    continue
                self._pass = progress = Pass()

                def wanted(pair: object = pair) -> bool:
                    return not stop.is_set() and not self._held.is_set() and self._generations.now is pair

                try:
                    mend(pair.live.catalogue, pair.other.catalogue, pair.other.ingest, progress, wanted=wanted)
                except ShoplensError as error:
                    self._problem = str(error)
                    rest = REST_S
                    _log.warning("the pass over both indexes broke off", problem=str(error))
            if progress.finished:
                self._in_step = progress.in_step
                metrics.MIGRATION_DIFFERENCES.set(progress.put + progress.deleted + progress.failed)
                if progress.in_step or progress.failed:
                    rest = max(REST_S, REST * (time.monotonic() - begun))

    def _tell(self) -> None:
        try:
            self._leads = self._plans.leads()
            self._plans.tell(self.status())
        except (OSError, ShoplensError) as error:
            _log.warning("the migration's progress cannot be told", problem=str(error))

    def status(self) -> dict[str, Any]:
        """How far things are, for the command line."""
        with self._generations.using() as pair:
            generations = {name: each for name, each in (("live", pair.live), ("other", pair.other)) if each is not None}
            told: dict[str, Any] = {
                "as_of": datetime.now(UTC).isoformat(),
                "plan": self._said,
                "problem": self._unreadable or self._problem,
            }
            told["leads"] = self._leads
            for name, each in generations.items():
                try:
                    status = each.catalogue.status()
                except ShoplensError as error:
                    told[name] = {"number": each.number, "problem": str(error), "ready": False}
                else:
                    numbers = {"products": status.products, "pictures": status.items, "ready": status.ready}
                    told[name] = {"number": each.number, "index": status.version, **numbers}
                if each.parts is not None:
                    told[name]["parts"] = dict(each.parts)
        progress = self._pass
        if progress is not None:
            told["pass"] = {
                "of": progress.total,
                "looked_at": progress.looked_at,
                "put": progress.put,
                "deleted": progress.deleted,
                "failed": progress.failed,
                "failures": [list(each) for each in progress.failures],
            }
        told["in_step"] = self._in_step
        told["asked"] = self._answered
        told["shoppers"] = self._shadow.agreement.as_json()
        told["labelled"] = None if self._compared is None else self._compared.as_json()
        return told
