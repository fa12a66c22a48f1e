"""A feed goes into a catalogue: each row is answered once, good or bad, in the order of the feed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from services.standalone.feeds import Row
from shoplens.domain import ImageSource, ImportOutcome, Product, ProductDraft
from shoplens.errors import NotFound
from shoplens.images import content_hash
from shoplens.ports import CatalogueReader

PutMany = Callable[[Iterable[ProductDraft]], Iterator[ImportOutcome]]
"""``ports.Ingest.put_many``, or a server's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one row; ``error`` is empty where its product is in the catalogue."""

    line: int
    product_id: str
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"line": self.line, "product_id": self.product_id, "error": self.error}

    def __str__(self) -> str:
        return f"line {self.line}{f' ({self.product_id})' if self.product_id else ''}: {self.error}"


def answers(rows: Iterable[Row], put_many: PutMany, *, skip: Callable[[ProductDraft], bool] | None = None) -> Iterator[Answer]:
    """An answer for every row; what ``skip`` says yes to counts as in the catalogue already."""
    owed: deque[Answer | int] = deque()

    def drafts() -> Iterator[ProductDraft]:
        for row in rows:
            if not isinstance(row.result, ProductDraft):
                owed.append(Answer(row.line, row.product_id, str(row.result)))
            elif skip is not None and skip(row.result):
                owed.append(Answer(row.line, row.product_id))
            else:
                owed.append(row.line)
                yield row.result

    def settled() -> Iterator[Answer]:
        while owed and isinstance(owed[0], Answer):
            yield owed.popleft()  # type: ignore[misc]  # just looked at

    for outcome in put_many(drafts()):
        yield from settled()
        line = owed.popleft()
        assert isinstance(line, int)
        yield Answer(line, outcome.product_id, "" if outcome.ok else outcome.error or "It was refused without a reason.")
    yield from settled()


def unchanged_in(catalogue: CatalogueReader) -> Callable[[ProductDraft], bool]:
    """Whether a draft is stored already, just so: what lets a restart skip its feed's pictures.

    A picture given by address counts as unchanged while its address is; ``shoplens import`` looks again.
    """

    def unchanged(draft: ProductDraft) -> bool:
        try:
            stored = catalogue.get(draft.id)
        except NotFound:
            return False
        return stored.details == draft.details and _pictures(stored) == [_picture(image) for image in draft.images]

    return unchanged


def _pictures(product: Product) -> list[tuple[str, str]]:
    return [(image.id, image.uri or image.content_hash) for image in product.images]


def _picture(image: ImageSource) -> tuple[str, str]:
    return (image.id, image.uri or content_hash(image.content or b""))
