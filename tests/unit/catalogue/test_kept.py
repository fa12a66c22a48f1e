"""What rows say, near at hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.catalogue.kept import ENTRY_BYTES, Kept
from services.catalogue.rows import Document, document_from_text, document_to_text
from shoplens.domain import Product, ProductDetails

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def document(number: int) -> Document:
    return Document(Product(f"p{number}", ProductDetails(title="x" * 100), (), 1, "hat", MOMENT), ())


SIZE = 4 * len(document_to_text(document(1))) + ENTRY_BYTES


def kept(store: Store, room: int = 10) -> Kept[Document]:
    """Room for so many that were read."""
    return Kept(store.load, document_from_text, growth=4, capacity=room * SIZE)


class Store:
    """Rows 0 to 9, and what was asked of them."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def load(self, numbers: Sequence[int]) -> dict[int, str]:
        self.asked.append(list(numbers))
        return {number: document_to_text(document(number)) for number in numbers if number < 10}


def test_what_is_known_is_not_asked_for_again() -> None:
    store = Store()
    documents = kept(store)
    documents.add(1, document_to_text(document(1)))
    assert documents.of([1, 2, 2]) == {1: document(1), 2: document(2)}
    assert documents.of([2, 1]) == {1: document(1), 2: document(2)}
    assert store.asked == [[2]]


def test_what_is_gone_is_left_out() -> None:
    assert kept(Store()).of([3, 99]) == {3: document(3)}


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    store = Store()
    documents = kept(store, room=3)
    for number in (1, 2, 3, 1, 4):
        documents.of([number])
    store.asked.clear()
    documents.of([1, 3, 4])
    assert store.asked == []
    documents.of([2])
    assert store.asked == [[2]]


def test_what_is_forgotten_makes_room() -> None:
    store = Store()
    documents = kept(store, room=1)
    documents.of([1])
    documents.forget([1, 99])
    documents.forget([1])
    documents.of([2])
    store.asked.clear()
    documents.of([2])
    assert store.asked == []
