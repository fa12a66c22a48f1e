"""Rows and outcomes come together again, in the feed's order, whatever is read ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from services.standalone.feeds import Row
from services.standalone.imports import Answer, answers, unchanged_in
from shoplens.domain import ImageSource, ImportOutcome, ProductDetails, ProductDraft
from shoplens.errors import InvalidArgument
from shoplens.testing.fakes import FakeCache, FakeCopies
from tests.unit.ingest.doubles import Looking, Seeing, Shelf, Web, photo


def draft(product_id: str, *images: ImageSource, title: str = "") -> ProductDraft:
    return ProductDraft(product_id, ProductDetails(title=title), images)


def put_reading_ahead(drafts: Iterable[ProductDraft], ahead: int) -> Iterator[ImportOutcome]:
    """Stores what it is given, but reads so many before it answers; refuses ids with an x."""
    source = iter(drafts)
    while batch := list(islice(source, ahead)):
        yield from (ImportOutcome(one.id, "x" not in one.id, "" if "x" not in one.id else "No x.") for one in batch)


@given(st.lists(st.sampled_from(["good", "bad", "x", "known"])), st.integers(1, 4))
def test_every_row_is_answered_once_and_in_order(kinds: list[str], ahead: int) -> None:
    rows = [
        Row(line, f"{kind}{line}", InvalidArgument("Wrong.") if kind == "bad" else draft(f"{kind}{line}"))
        for line, kind in enumerate(kinds, start=1)
    ]
    reasons = {"good": "", "bad": "Wrong.", "x": "No x.", "known": ""}
    found = list(answers(rows, lambda drafts: put_reading_ahead(drafts, ahead), skip=lambda draft: draft.id.startswith("known")))
    assert found == [Answer(line, f"{kind}{line}", reasons[kind]) for line, kind in enumerate(kinds, start=1)]


def test_an_answer_reads_as_a_line() -> None:
    assert str(Answer(3, "a", "Wrong.")) == "line 3 (a): Wrong."
    assert str(Answer(3, "", "Wrong.")) == "line 3: Wrong."
    assert Answer(3, "a", "Wrong.").as_json() == {"line": 3, "product_id": "a", "error": "Wrong."}


def test_what_is_stored_just_so_is_skipped() -> None:
    from services.ingest.engine import Pipeline
    from services.ingest.preparation import Preparation

    shelf = Shelf()
    web = Web({"https://a": photo(1), "https://b": photo(2)})
    pipeline = Pipeline(Preparation.by(Looking(), Seeing(), FakeCopies(), shelf, web, FakeCache()), shelf)
    stored = draft("p", ImageSource("1", photo(3)), ImageSource("2", uri="https://a"))
    pipeline.put(stored)
    unchanged = unchanged_in(shelf)
    assert unchanged(stored)
    assert not unchanged(draft("q", *stored.images))
    assert not unchanged(draft("p", *stored.images, title="New"))
    assert not unchanged(draft("p", stored.images[0]))
    assert not unchanged(draft("p", ImageSource("1", photo(4)), stored.images[1]))
    assert not unchanged(draft("p", stored.images[0], ImageSource("2", uri="https://b")))
