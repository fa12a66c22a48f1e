"""The pipeline with doubles around it: order, versions, failures and counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from services.ingest import engine
from services.ingest.engine import AHEAD, Pipeline
from services.ingest.preparation import Preparation
from shoplens import deadlines
from shoplens.domain import ImageSource, ImportOutcome, ProductDetails, ProductDraft, ProductPatch
from shoplens.errors import DeadlineExceeded, FailedPrecondition, InvalidArgument, NotFound, Unavailable, UnreadablePicture
from shoplens.testing.fakes import FakeCache, FakeCopies
from tests.unit.ingest.doubles import Looking, Seeing, Shelf, Web, photo


def draft(product_id: str, *uris: str, version: int | None = None, content: bytes | None = None) -> ProductDraft:
    sources = [ImageSource(f"i{place}", uri=uri) for place, uri in enumerate(uris)]
    if content is not None:
        sources.append(ImageSource("own", content))
    return ProductDraft(product_id, ProductDetails(), tuple(sources), version)


class Bench:
    """A pipeline and everything around it."""

    def __init__(self, **pages: bytes | Exception) -> None:
        self.detector, self.shelf, self.web = Looking(), Shelf(), Web({**pages})
        preparation = Preparation.by(self.detector, Seeing(), FakeCopies(), self.shelf, self.web, FakeCache())
        self.pipeline = Pipeline(preparation, self.shelf)


def written(operation: str, outcome: str) -> float:
    return REGISTRY.get_sample_value("shoplens_products_written_total", {"operation": operation, "outcome": outcome}) or 0.0


def test_a_product_is_stored_with_all_its_pictures_and_counted() -> None:
    bench, before = Bench(a=photo(1)), written("put", "ok")
    product = bench.pipeline.put(draft("p", "a", content=photo(2)))
    assert [image.id for image in product.images] == ["i0", "own"]
    assert product.images[0].uri == "a"
    assert product.node == "dress"
    assert written("put", "ok") == before + 1


@pytest.mark.parametrize("version", [2, 3])
def test_a_version_no_newer_than_the_stored_one_costs_nothing(version: int) -> None:
    bench = Bench()
    stored = bench.pipeline.put(draft("p", content=photo(1), version=3))
    assert bench.pipeline.put(draft("p", content=photo(2), version=version)) == stored
    assert bench.detector.calls == 1
    assert bench.pipeline.put(draft("p", content=photo(2), version=4)).version == 4


def test_one_dead_picture_refuses_the_product_and_is_named() -> None:
    bench, before = Bench(a=photo(1), b=UnreadablePicture("b answered 404.")), written("put", "unreadable-picture")
    with pytest.raises(UnreadablePicture, match=r"^Picture 'i1': b answered 404\.$"):
        bench.pipeline.put(draft("p", "a", "b"))
    assert bench.shelf.products == {}
    assert written("put", "unreadable-picture") == before + 1


def test_a_picture_that_is_none_is_named() -> None:
    with pytest.raises(UnreadablePicture, match="Picture 'own': This is not a picture"):
        Bench().pipeline.put(draft("p", content=b"<html>"))


def test_a_waiting_time_survives_the_naming() -> None:
    bench = Bench(a=Unavailable("Away.", retry_after_s=3.0))
    with pytest.raises(Unavailable, match="Picture 'i0': Away") as caught:
        bench.pipeline.put(draft("p", "a"))
    assert caught.value.retry_after_s == 3.0


def test_a_product_without_pictures_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="send at least one"):
        Bench().pipeline.put(draft("p"))
    with pytest.raises(InvalidArgument, match="neither content nor uri"):
        Bench().pipeline.put(ProductDraft("p", ProductDetails(), (ImageSource("1"),)))


def test_nothing_is_done_for_a_caller_who_has_gone() -> None:
    bench = Bench()
    with pytest.raises(DeadlineExceeded), deadlines.within(0.0):
        bench.pipeline.put(draft("p", content=photo(1)))
    assert bench.detector.calls == 0


def test_many_in_order_and_a_bad_one_does_not_stop_the_rest() -> None:
    bench = Bench(a=photo(1), b=UnreadablePicture("b is gone."), c=RuntimeError("a fault of ours"), d=photo(2))
    bench.shelf.refused.add("d1")
    outcomes = list(bench.pipeline.put_many(draft(f"{uri}{n}", uri) for uri in "abcd" for n in range(2)))
    assert [outcome.product_id for outcome in outcomes] == ["a0", "a1", "b0", "b1", "c0", "c1", "d0", "d1"]
    assert [outcome.ok for outcome in outcomes] == [True, True, False, False, False, False, True, False]
    assert outcomes[2] == ImportOutcome("b0", False, "Picture 'i0': b is gone.")
    assert "fault of shoplens" in outcomes[4].error
    assert "another model" in outcomes[7].error
    assert bench.shelf.puts == ["a0", "a1", "d0"]


def test_what_is_ready_is_stored_together() -> None:
    bench = Bench(slow=photo(1), quick=photo(2))
    bench.web.waits["slow"] = bench.web.asked["quick"]
    outcomes = list(bench.pipeline.put_many([draft("1", "slow"), *(draft(str(number), "quick") for number in range(2, 30))]))
    assert all(outcome.ok for outcome in outcomes)
    assert bench.shelf.puts == [str(number) for number in range(1, 30)]
    assert bench.shelf.together
    assert max(bench.shelf.together) <= AHEAD


@pytest.mark.parametrize("error", [FailedPrecondition("One of these is of another model."), RuntimeError("a fault of ours")])
def test_what_cannot_be_stored_together_goes_alone(error: Exception) -> None:
    bench = Bench()
    bench.shelf.refuses_together = error
    bench.shelf.refused.add("7")
    outcomes = list(bench.pipeline.put_many(draft(str(number), content=photo(number)) for number in range(10)))
    assert [outcome.product_id for outcome in outcomes if not outcome.ok] == ["7"]
    assert bench.shelf.puts == [str(number) for number in range(10) if number != 7]


def test_no_more_bytes_are_stored_together_than_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_BYTES", 1)
    bench = Bench()
    assert all(outcome.ok for outcome in bench.pipeline.put_many(draft(str(number), content=photo(number)) for number in range(10)))
    assert bench.shelf.together == []


def test_a_slow_picture_does_not_hold_up_the_next_one_and_the_order_stays() -> None:
    bench = Bench(slow=photo(1), quick=photo(2))
    bench.web.waits["slow"] = bench.web.asked["quick"]  # comes only once the other was asked for
    outcomes = list(bench.pipeline.put_many([draft("1", "slow"), draft("2", "quick")]))
    assert [outcome.product_id for outcome in outcomes] == ["1", "2"]
    assert bench.shelf.puts == ["1", "2"]


def test_two_writes_to_one_product_are_stored_in_order() -> None:
    bench = Bench()
    outcomes = list(bench.pipeline.put_many(draft("p", content=photo(n), version=n) for n in (1, 3, 2)))
    assert all(outcome.ok for outcome in outcomes)
    assert bench.shelf.puts[:2] == ["p", "p"]


def test_no_more_is_read_ahead_than_promised() -> None:
    taken = 0

    def source() -> Iterator[ProductDraft]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield draft(str(number), content=photo(number))

    outcomes = Bench().pipeline.put_many(source())
    next(outcomes)
    assert taken == AHEAD
    outcomes.close()  # type: ignore[attr-defined]
    assert taken == AHEAD


def test_a_patch_encodes_nothing_and_moves_the_node() -> None:
    bench = Bench()
    bench.pipeline.put(draft("p", content=photo(1)))
    change = ProductPatch("p", {"category": "Sneakers"})
    bench.pipeline.patch(change)
    assert bench.shelf.patches == [(change, "shoes")]
    assert bench.detector.calls == 1


def test_delete() -> None:
    bench, before = Bench(), written("delete", "not-found")
    bench.pipeline.put(draft("p", content=photo(1)))
    bench.pipeline.delete("p")
    with pytest.raises(NotFound):
        bench.pipeline.delete("p")
    assert written("delete", "not-found") == before + 1


def test_a_refusal_of_the_catalogue_is_passed_on() -> None:
    bench = Bench()
    bench.shelf.refused.add("p")
    with pytest.raises(FailedPrecondition):
        bench.pipeline.put(draft("p", content=photo(1)))
