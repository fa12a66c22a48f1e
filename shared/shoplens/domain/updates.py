"""Changes of the catalogue: as a stream tells them, and as the catalogue takes them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shoplens.domain.index import IndexedImage
from shoplens.domain.products import ProductDraft, ProductPatch
from shoplens.errors import ShoplensError


@dataclass(frozen=True, slots=True)
class ProductDeletion:
    """A product that is to go. A ``version`` older than the stored one changes nothing; the stored one or a newer one does,
    and is remembered, so that what comes late and is no newer does not bring the product back."""

    id: str
    version: int | None = None


Update = ProductDraft | ProductPatch | ProductDeletion
"""What an event asks for."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event stands: ``log`` names one ordered log (a partition of a topic, a file), in which ``offset`` rises."""

    log: str
    offset: int


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it came, unread. ``told_at``: when it was told, by its producer's clock. ``trace``: the trace that it continues."""

    position: Position
    key: bytes | None
    value: bytes | None
    told_at: datetime
    trace: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that cannot be applied: ``reason`` is the error's, ``detail`` says what to correct. ``letter``: its own place."""

    message: Message
    reason: str
    detail: str
    letter: Position | None = None


@dataclass(frozen=True, slots=True)
class PreparedPut:
    """A product ready to be stored whole: its pictures in the order of the draft's, encoded by ``model``; ``node`` of the taxonomy."""

    draft: ProductDraft
    node: str
    images: tuple[IndexedImage, ...]
    model: str

    @property
    def id(self) -> str:
        return self.draft.id


@dataclass(frozen=True, slots=True)
class PreparedPatch:
    """Changed details, and the ``node`` where the category changed."""

    patch: ProductPatch
    node: str | None = None

    @property
    def id(self) -> str:
        return self.patch.id


@dataclass(frozen=True, slots=True)
class Write:
    """One change, ready to be stored. With a ``position``, it is in effect once, however often it is brought."""

    change: PreparedPut | PreparedPatch | ProductDeletion
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """``changed`` is False where the catalogue knew better or already; ``error`` where the write itself is wrong."""

    changed: bool
    error: ShoplensError | None = None
