"""Two indexes are told apart product by product, and one is brought in step with the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from shoplens.domain import Features, ImageSource, ProductDetails, ProductDraft, ProductPatch
from shoplens.errors import Unavailable
from shoplens.migration import mending
from shoplens.migration.differences import Difference, Kind, Same, compared, products
from shoplens.migration.generations import Generation
from shoplens.migration.mending import Pass, mend
from shoplens.testing.pictures import png
from shoplens.testing.products import draft

Make = Callable[[int], Generation]


@pytest.fixture
def one(make: Make) -> Generation:
    return make(1)


@pytest.fixture
def two(make: Make) -> Generation:
    return make(2)


def kinds(one: Generation, two: Generation, *, vectors: bool = False) -> dict[str, Kind | None]:
    found = compared(one.catalogue, two.catalogue, vectors=vectors)
    return {each.product_id: each.kind if isinstance(each, Difference) else None for each in found}


def passed(one: Generation, two: Generation) -> Pass:
    progress = Pass()
    mend(one.catalogue, two.catalogue, two.ingest, progress, wanted=lambda: True)
    return progress


def test_every_way_to_differ_has_its_name(one: Generation, two: Generation) -> None:
    for generation in (one, two):
        for number in range(6):
            generation.ingest.put(draft(f"p{number}", number, version=1))
    one.ingest.delete("p0")
    two.ingest.delete("p1")
    two.ingest.patch(ProductPatch("p2", {"title": "Other"}))
    two.ingest.delete("p3")
    two.ingest.put(replace(draft("p3", 3, version=1), details=replace(draft("p3", 3).details, brand="Other")))
    two.ingest.delete("p4")
    two.ingest.put(replace(draft("p4", 40, version=1), details=draft("p4", 4).details))
    assert kinds(one, two) == {
        "p0": Kind.EXTRA, "p1": Kind.MISSING, "p2": Kind.DETAILS, "p3": Kind.DETAILS, "p4": Kind.PICTURES, "p5": None,
    }  # fmt: skip
    (told,) = [each for each in compared(one.catalogue, two.catalogue) if each.product_id == "p3" and isinstance(each, Difference)]
    assert told.detail == "It differs in brand."


def test_more_than_a_page_is_read_to_its_end(one: Generation, two: Generation) -> None:
    for number in range(1203):
        one.ingest.put(ProductDraft(f"p{number:04}", ProductDetails(title=str(number)), (ImageSource("1", content=png(1)),)))
    assert len(list(products(one.catalogue))) == 1203
    assert set(kinds(one, two).values()) == {Kind.MISSING}
    assert set(kinds(one, one).values()) == {None}


def test_vectors_are_compared_where_that_is_asked_for(one: Generation, two: Generation) -> None:
    for generation in (one, two):
        generation.ingest.put(draft("p1", 1))

    class Shifted:
        def __init__(self, by: float) -> None:
            self.by = by

        def page(self, *, size: int = 100, token: str = "") -> object:
            return two.catalogue.page(size=size, token=token)

        def features(self, product_id: str) -> list[Features]:
            return [replace(each, embedding=each.embedding + np.float32(self.by)) for each in two.catalogue.features(product_id)]

    apart = {by: next(compared(one.catalogue, Shifted(by), vectors=True)) for by in (0.0, 5e-6, 1e-3)}
    assert isinstance(apart[0.0], Same)
    assert isinstance(apart[5e-6], Same)
    assert isinstance(apart[1e-3], Difference)
    assert apart[1e-3].kind is Kind.VECTORS


def test_an_empty_index_is_filled_and_the_next_pass_finds_both_in_step(one: Generation, two: Generation) -> None:
    for number in range(5):
        one.ingest.put(draft(f"p{number}", number, views=2, version=7))
    first, second = passed(one, two), passed(one, two)
    assert (first.put, first.in_step) == (5, False)
    assert (second.put, second.looked_at, second.in_step) == (0, 5, True)
    assert [each.version for each in two.catalogue.page().products] == [7] * 5
    assert two.catalogue.picture("p3", "2").content == one.catalogue.picture("p3", "2").content


def test_whatever_differs_is_put_right(one: Generation, two: Generation) -> None:
    one.ingest.put(draft("changed", 1, version=3))
    two.ingest.put(draft("changed", 2, version=3))  # the same version, which would keep it out
    one.ingest.put(draft("behind", 1, version=3))
    two.ingest.put(draft("behind", 2, version=9))  # a newer version, which would too
    two.ingest.put(draft("gone", 3))
    assert passed(one, two).deleted == 1
    assert passed(one, two).in_step
    assert set(kinds(one, two).values()) == {None}


def test_an_address_is_kept_and_not_fetched_again(one: Generation, two: Generation) -> None:
    image = ImageSource("1", content=png(1), uri="https://shop.example/1.png", creator="Ada")
    one.ingest.put(ProductDraft("p1", ProductDetails(), (image,)))
    passed(one, two)
    assert two.catalogue.get("p1").images == one.catalogue.get("p1").images


def test_a_product_that_cannot_be_written_costs_itself(one: Generation, two: Generation) -> None:
    for number in range(30):
        one.ingest.put(draft(f"p{number:02}", number))

    class Choosy:
        def __init__(self) -> None:
            self.put = two.ingest.put
            self.delete = two.ingest.delete

        def put_many(self, drafts):  # type: ignore[no-untyped-def]
            for each in drafts:
                (outcome,) = two.ingest.put_many([each])
                yield replace(outcome, ok=False, error="too odd") if each.id == "p07" else outcome

    progress = Pass()
    mend(one.catalogue, two.catalogue, Choosy(), progress, wanted=lambda: True)
    assert (progress.put, progress.failed, list(progress.failures)) == (29, 1, [("p07", "too odd")])
    assert not progress.in_step


def test_what_vanishes_during_a_pass_is_let_go(one: Generation, two: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    one.ingest.put(draft("p1", 1))
    listed = list(compared(one.catalogue, two.catalogue))
    one.ingest.delete("p1")
    monkeypatch.setattr(mending, "compared", lambda *_: iter(listed))
    progress = passed(one, two)
    assert (progress.put, progress.deleted, progress.failed) == (0, 0, 0)


def test_what_came_to_both_during_a_pass_is_not_deleted(one: Generation, two: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    two.ingest.put(draft("p1", 1))
    listed = list(compared(one.catalogue, two.catalogue))
    one.ingest.put(draft("p1", 1))
    monkeypatch.setattr(mending, "compared", lambda *_: iter(listed))
    assert passed(one, two).deleted == 0
    assert two.catalogue.get("p1").id == "p1"


def test_a_pass_ends_once_it_is_not_wanted(one: Generation, two: Generation) -> None:
    for number in range(50):
        one.ingest.put(draft(f"p{number:02}", number))
    asked = iter(range(100))
    progress = Pass()
    mend(one.catalogue, two.catalogue, two.ingest, progress, wanted=lambda: next(asked) < 10)
    assert progress.put == 10
    assert not progress.finished


def test_an_index_that_cannot_be_read_says_so(one: Generation, two: Generation) -> None:
    class Away:
        def status(self) -> None:
            raise Unavailable("The catalogue is away.")

    with pytest.raises(Unavailable):
        mend(Away(), two.catalogue, two.ingest, Pass(), wanted=lambda: True)
    assert one.catalogue.status().products == 0
