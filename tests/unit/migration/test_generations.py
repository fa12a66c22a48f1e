"""Which generation answers: changed under calls that are on their way, and written both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shoplens import metrics
from shoplens.domain import CopyQuery, ProductDraft, ProductPatch, SearchQuery
from shoplens.errors import FailedPrecondition, NotFound, Unavailable
from shoplens.images import decode
from shoplens.migration.generations import Generation, Generations
from shoplens.migration.live import LiveCatalogue, LiveCopySearch, LiveSearch
from shoplens.migration.mirroring import MirroredIngest
from shoplens.ports import CatalogueReader, Ingest
from shoplens.testing.contracts.ingest import IngestContract
from shoplens.testing.pictures import png
from shoplens.testing.products import draft

Make = Callable[[int], Generation]


class TestMirroredIngest(IngestContract):
    """With a generation beside, the write path keeps its contract."""

    @pytest.fixture
    def both(self, generations: Generations, make: Make) -> Generations:
        generations.add(make(2))
        return generations

    @pytest.fixture
    def ingest(self, both: Generations) -> Ingest:
        return MirroredIngest(both)

    @pytest.fixture
    def catalogue(self, both: Generations) -> CatalogueReader:
        return LiveCatalogue(both)

    @pytest.fixture(autouse=True)
    def _alike(self, both: Generations) -> Iterator[None]:
        yield
        assert both.now.other is not None
        one, two = (each.catalogue.page(size=100).products for each in (both.now.live, both.now.other))
        assert [(each.id, each.version, each.details) for each in one] == [(each.id, each.version, each.details) for each in two]


class TestAlone(IngestContract):
    @pytest.fixture
    def ingest(self, generations: Generations) -> Ingest:
        return MirroredIngest(generations)

    @pytest.fixture
    def catalogue(self, generations: Generations) -> CatalogueReader:
        return LiveCatalogue(generations)


class Broken:
    """A write path whose part is away."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def put(self, draft: ProductDraft) -> None:
        raise self.error

    patch = delete = put


def test_what_fails_beside_fails_nobody_and_is_counted(generations: Generations, make: Make) -> None:
    generations.add(replace(make(2), ingest=Broken(Unavailable("away"))))
    before = metrics.MIRROR_FAILURES.labels("unavailable")._value.get()
    ingest = MirroredIngest(generations)
    ingest.put(draft("p1", 1))
    assert [outcome.ok for outcome in ingest.put_many([draft("p2", 2)])] == [True]
    ingest.patch(ProductPatch("p1", {"title": "New"}))
    assert metrics.MIRROR_FAILURES.labels("unavailable")._value.get() == before + 3
    assert LiveCatalogue(generations).get("p1").details.title == "New"


def test_what_is_not_there_beside_is_no_failure(generations: Generations, make: Make) -> None:
    ingest = MirroredIngest(generations)
    ingest.put(draft("p1", 1))
    generations.add(make(2))
    before = metrics.MIRROR_FAILURES.labels("not-found")._value.get()
    ingest.patch(ProductPatch("p1", {"title": "New"}))
    ingest.delete("p1")
    assert metrics.MIRROR_FAILURES.labels("not-found")._value.get() == before


def test_after_the_switch_the_other_one_answers_and_writes_still_go_into_both(generations: Generations, make: Make) -> None:
    generations.add(make(2))
    catalogue, search, ingest = LiveCatalogue(generations), LiveSearch(generations), MirroredIngest(generations)
    ingest.put(draft("p1", 1))
    photo = SearchQuery(picture=decode(png(1)))
    assert generations.now.live.catalogue.status().version.startswith(search.search(photo).model)
    first = search.search(photo).model
    generations.switch()
    assert search.search(photo).model != first
    assert search.look(photo).model == search.similar("p1").model == search.search(photo).model
    assert catalogue.status().version.startswith(search.search(photo).model)
    ingest.put(draft("p2", 2))
    assert [each.catalogue.get("p2").id for each in (generations.now.live, generations.now.other) if each] == ["p2", "p2"]
    generations.switch()
    assert search.search(photo).model == first


def test_reads_go_to_the_one_that_answers(generations: Generations, make: Make) -> None:
    generations.add(make(2))
    catalogue = LiveCatalogue(generations)
    generations.now.live.ingest.put(draft("p1", 1))
    assert catalogue.page().products[0].id == catalogue.get("p1").id == "p1"
    assert len(catalogue.features("p1")) == 1
    assert catalogue.picture("p1", "1").content == png(1)
    (image,) = catalogue.get("p1").images
    assert list(catalogue.holders([image.content_hash])) == [image.content_hash]
    generations.switch()
    with pytest.raises(NotFound):
        catalogue.get("p1")
    assert LiveCopySearch(generations).copies(CopyQuery(decode(png(1)))) == []


def test_a_generation_is_closed_only_when_nobody_uses_it_any_more(generations: Generations, make: Make, closed: list[int]) -> None:
    generations.add(make(2))
    with ThreadPoolExecutor() as pool:
        with generations.using():
            removed = pool.submit(generations.remove)
            while generations.now.other is not None:
                threading.Event().wait(0.001)
            assert closed == []
            with generations.using() as pair:  # whoever comes now does not know it
                assert pair.other is None
        removed.result(timeout=10)
    assert closed == [2]
    generations.close()
    assert closed == [2, 1]


def test_there_is_one_migration_at_a_time(generations: Generations, make: Make) -> None:
    with pytest.raises(FailedPrecondition, match="start a migration"):
        generations.switch()
    generations.add(make(2))
    with pytest.raises(FailedPrecondition, match="under way"):
        generations.add(make(3))


def test_a_long_import_follows_a_switch_at_its_next_product_and_loses_none(generations: Generations, make: Make) -> None:
    second = make(2)

    def drafts() -> Iterator[ProductDraft]:
        for number in range(12):
            if number == 4:
                threading.Thread(target=generations.add, args=(second,)).start()
                while generations.now.other is None:
                    threading.Event().wait(0.001)
            if number == 8:
                generations.switch()
            yield draft(f"p{number:02}", number)

    first = generations.now.live
    outcomes = list(MirroredIngest(generations).put_many(drafts()))
    assert [outcome.product_id for outcome in outcomes if outcome.ok] == [f"p{number:02}" for number in range(12)]
    assert generations.now.live is second
    # The one at which each change was noticed was still written by the pair before.
    assert {each.id for each in second.catalogue.page().products} >= {f"p{number:02}" for number in range(5, 12)}
    assert {each.id for each in first.catalogue.page().products} == {f"p{number:02}" for number in range(12)}


def test_a_shoppers_photo_is_told_of_during_a_migration_alone(generations: Generations, make: Make) -> None:
    told = []
    search = LiveSearch(generations, lambda query, answer, seconds, live: told.append((answer.model, seconds >= 0, live)))
    photo = SearchQuery(picture=decode(png(1)))
    search.search(photo)
    assert told == []
    generations.add(make(2))
    answer = search.search(photo)
    assert told == [(answer.model, True, 1)]
