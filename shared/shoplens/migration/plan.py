"""What is wanted of a migration: the command line writes it down, servers follow it and tell how far they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from shoplens.errors import FailedPrecondition

PARTS: Final = ("detector", "encoder", "catalogue", "ranker", "ingest")
"""What belongs to a model, and so to a generation; the finder of copies knows pictures alone, and belongs to all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A generation. models: the folder of its models, in a process that has all parts; None are those that ship.

    parts: the addresses of its parts, by name, where each is a service of its own; None are those that the gateway was started with.
    """

    number: int = 1
    models: str | None = None
    parts: Mapping[str, str] | None = None


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

    def started(self, *, models: Path | None = None, parts: Mapping[str, str] | None = None) -> Plan:
        """A second generation is to be filled. Raises ``FailedPrecondition`` where a migration is under way."""
        if self.other is not None:
            raise FailedPrecondition(
                "A migration is under way; `shoplens migrate status` tells how far it is, `finish` or `abandon` ends it."
            )
        other = Wanted(self.live.number + 1, None if models is None else str(models), parts)
        return replace(self, other=other, labelled=None)

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


def require_parts(parts: Mapping[str, str]) -> Mapping[str, str]:
    """The parts, if they are all there and no more. Raises ``FailedPrecondition``."""
    missing, odd = [name for name in PARTS if not parts.get(name)], sorted(parts.keys() - set(PARTS))
    if missing or odd:
        wrong = " and ".join([*(f"{name} is missing" for name in missing), *(f"{name} is none" for name in odd)])
        raise FailedPrecondition(f"A generation has the parts {', '.join(PARTS)}: {wrong}.")
    return parts


def to_json(plan: Plan) -> str:
    """As it is kept."""
    return json.dumps(asdict(plan))


def from_json(text: str | bytes, where: str) -> Plan:
    """What :func:`to_json` made. where: it is kept. Raises ``FailedPrecondition`` where it makes no sense."""
    try:
        table = json.loads(text)
        other = table["other"]
        return Plan(Wanted(**table["live"]), None if other is None else Wanted(**other), table["labelled"], table["asked"])
    except (ValueError, KeyError, TypeError) as error:
        raise FailedPrecondition(f"{where} cannot be read; it says which index answers. ({error})") from error


class Plans(Protocol):
    """Where a plan is kept, and what the servers that follow it tell."""

    def read(self) -> Plan:
        """The first generation alone, where nothing was ever written. Raises ``FailedPrecondition`` and ``Unavailable``."""
        ...

    def changing(self) -> AbstractContextManager[None]:
        """Nobody else changes the plan meanwhile; it takes a moment. Raises ``Unavailable``."""
        ...

    def write(self, plan: Plan) -> None:
        """Durable once it returns."""
        ...

    def leads(self) -> bool:
        """Whether this server is the one among all that passes over both indexes; to be asked again every second or two."""
        ...

    def tell(self, status: Mapping[str, Any]) -> None:
        """What a server says of itself, for :meth:`told`. Raises ``OSError`` and ``Unavailable``."""
        ...

    def told(self) -> dict[str, Any] | None:
        """What the servers say together; None where none follows."""
        ...

    def leave(self) -> None:
        """This server follows no more."""
        ...
