"""What is wanted of a migration, in one small file that outlives every process: the command line writes it, servers follow it."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from shoplens.errors import FailedPrecondition, Unavailable

PLAN: Final = "plan.json"
STATUS: Final = "status.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A generation. models: the folder of its models; None are those that ship."""

    number: int = 1
    models: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """live: which generation answers; other: the one beside it, during a migration.

    labelled: photos and their products, on which both are to be compared; ``asked`` rises with each time that this is asked for.
    """

    live: Wanted = Wanted()
    other: Wanted | None = None
    labelled: str | None = None
    asked: int = 0

    @property
    def switched(self) -> bool:
        """Whether the younger of two answers."""
        return self.other is not None and self.other.number < self.live.number

    def started(self, models: Path) -> Plan:
        """Raises ``FailedPrecondition`` where a migration is under way."""
        if self.other is not None:
            raise FailedPrecondition(
                "A migration is under way; `shoplens migrate status` tells how far it is, `finish` or `abandon` ends it."
            )
        return replace(self, other=Wanted(self.live.number + 1, str(models)), labelled=None)

    def changed_over(self, *, back: bool) -> Plan:
        """The other one answers. Raises ``FailedPrecondition`` where that is so already, or there is none."""
        self.require_migration()
        assert self.other is not None
        if self.switched is not back:
            raise FailedPrecondition(
                "The new generation answers already; `rollback` goes back to the old one."
                if self.switched
                else "The old generation answers; there is nothing to go back from."
            )
        return replace(self, live=self.other, other=self.live)

    def require_migration(self) -> None:
        """Raises ``FailedPrecondition`` where there is none."""
        if self.other is None:
            raise FailedPrecondition("There is no migration; begin one with `shoplens migrate start --models FOLDER`.")

    def comparing(self, labelled: Path) -> Plan:
        """Both are to be asked for photos whose products are known. Raises ``FailedPrecondition``."""
        self.require_migration()
        return replace(self, labelled=str(labelled), asked=self.asked + 1)

    def finished(self, *, abandoned: bool) -> Plan:
        """The one that answers is kept alone. Raises ``FailedPrecondition`` where that is not the one that was meant."""
        self.require_migration()
        if abandoned and self.switched:
            raise FailedPrecondition("The new generation answers; go back with `rollback` first, or keep it with `finish`.")
        if not abandoned and not self.switched:
            raise FailedPrecondition("The old generation still answers; `switch` first, or give the new one up with `abandon`.")
        return replace(self, other=None, labelled=None)


def said(plan: Plan) -> dict[str, Any]:
    """A plan as a server repeats it, once it is carried out."""
    return {"live": plan.live.number, "other": None if plan.other is None else plan.other.number, "asked": plan.asked}


class PlanFolder:
    """A folder with the plan, and with what a server says of its progress."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Plan:
        """Without a file, the first generation alone. Raises ``FailedPrecondition`` where the file makes no sense."""
        try:
            table = json.loads((self._folder / PLAN).read_text("utf-8"))
            other = table["other"]
            return Plan(Wanted(**table["live"]), None if other is None else Wanted(**other), table["labelled"], table["asked"])
        except FileNotFoundError:
            return Plan()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FailedPrecondition(f"{self._folder / PLAN} cannot be read; it says which index answers. ({error})") from error

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes the plan meanwhile; it takes a moment. Raises ``Unavailable``."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / ".lock").open("w")
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be written ({error.strerror}); the plan of a migration is kept there.") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def write(self, plan: Plan) -> None:
        """Durable once it returns."""
        self._whole(PLAN, asdict(plan))

    def tell(self, status: dict[str, Any]) -> None:
        """What the server says of itself, for :meth:`told`."""
        self._whole(STATUS, status)

    def told(self) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = json.loads((self._folder / STATUS).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return told

    def _whole(self, name: str, table: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, new = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(table, file)
            file.flush()
            os.fsync(file.fileno())
        Path(new).replace(self._folder / name)
