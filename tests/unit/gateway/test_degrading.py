"""Parts that are away: what a search answers without them, and what it says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.gateway import engine, lacks
from services.gateway.engine import CameraSearch
from services.gateway.sights import RememberingEncoder
from services.ranker.engine import FusionRanker
from services.ranker.weights import RankingWeights
from shoplens import deadlines, metrics
from shoplens.domain import WHOLE_FRAME, IndexStatus, Lack, SearchQuery, Verdict
from shoplens.errors import DeadlineExceeded, InternalError, InvalidArgument, Overloaded, Unavailable
from tests.unit.gateway.test_engine import CARD, DRESS, PICTURE, Copying, Detecting, Encoding
from tests.unit.gateway.test_sights import OTHER, Counted

QUERY = SearchQuery(picture=PICTURE)
FAILURES = [
    Unavailable("It is gone."),
    Overloaded("It is busy."),
    InternalError("It has a fault."),
    DeadlineExceeded("It took too long."),
]


class Part:
    """A part that works until ``failure`` is set; then every call of it raises that. slow: what looks at its time first."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self.failure: Exception | None = None
        self.slow: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if name in self.slow:
                deadlines.check()
            if self.failure is not None:
                raise self.failure
            return getattr(self._part, name)(*arguments, **named)

        return call


class System:
    """Camera search over parts that can be taken away."""

    def __init__(self) -> None:
        self.detector = Part(Detecting(DRESS))
        self.encoding = Encoding()
        self.encoder = Part(self.encoding)
        self.catalogue = Part(Counted(revision=7))
        self.ranker = Part(FusionRanker.fixed(RankingWeights.load(), CARD))
        self.copies = Part(Copying())
        encoder = RememberingEncoder(self.encoder)
        self.search = CameraSearch(self.detector, encoder, self.catalogue, self.ranker, self.copies)


@pytest.fixture
def system() -> System:
    return System()


@pytest.mark.parametrize("failure", FAILURES)
def test_without_the_detector_the_photo_is_searched_whole(system: System, failure: Exception) -> None:
    system.detector.failure = failure
    answer = system.search.search(QUERY)
    assert answer.degraded == (Lack.REGIONS,)
    assert [region.box for region in answer.regions] == [WHOLE_FRAME]
    assert system.encoding.boxes == [(WHOLE_FRAME,)]
    assert answer.ranking.results


@pytest.mark.parametrize("failure", FAILURES)
def test_without_the_ranker_products_come_by_looks(system: System, failure: Exception) -> None:
    system.ranker.failure = failure
    answer = system.search.search(replace(QUERY, top_k=2))
    assert answer.degraded == (Lack.RANKING,)
    assert [(result.product_id, result.score) for result in answer.ranking.results] == [("a", 0.9), ("b", 0.9)]
    assert answer.ranking.verdict is Verdict.SIMILAR
    assert answer.ranking.categories[0].name == "dress"


def test_a_look_answers_without_detector_and_ranker_too(system: System) -> None:
    system.detector.failure = system.ranker.failure = Unavailable("It is gone.")
    look = system.search.look(QUERY)
    assert set(look.degraded) == {Lack.REGIONS, Lack.RANKING}
    assert [row.region.box for row in look.rows] == [WHOLE_FRAME]
    assert look.rows[0].ranking.results


def test_more_like_this_comes_by_looks_without_the_ranker(system: System) -> None:
    system.ranker.failure = Unavailable("It is gone.")
    answer = system.search.similar("a")
    assert answer.degraded == (Lack.RANKING,)
    assert [result.product_id for result in answer.ranking.results] == ["b", "c"]


def test_a_mistake_of_the_caller_is_no_missing_part(system: System) -> None:
    system.ranker.failure = InvalidArgument("There is no weight of that name.")
    with pytest.raises(InvalidArgument):
        system.search.search(QUERY)


@pytest.mark.parametrize("part", ["encoder", "catalogue"])
def test_without_encoder_or_catalogue_a_new_photo_cannot_be_searched_for(system: System, part: str) -> None:
    system.search.search(QUERY)
    getattr(system, part).failure = Unavailable("It is gone.")
    with pytest.raises(Unavailable):
        system.search.search(replace(QUERY, picture=OTHER))


def test_without_the_catalogue_a_photo_gets_what_it_found_before(system: System) -> None:
    before = system.search.search(QUERY)
    system.catalogue.failure = Unavailable("It is gone.")
    answer = system.search.search(QUERY)
    assert answer.degraded == (Lack.FRESHNESS,)
    assert answer.ranking == before.ranking
    assert answer.index == before.index


def test_without_the_encoder_a_photo_that_was_encoded_is_searched_as_ever(system: System) -> None:
    before = system.search.search(QUERY)
    system.encoder.failure = Unavailable("It is gone.")
    answer = system.search.search(QUERY)
    assert (answer.degraded, answer.ranking) == ((), before.ranking)


def test_an_answer_that_lacked_something_is_not_kept_for_later(system: System) -> None:
    system.detector.failure = Unavailable("It is gone.")
    system.search.search(QUERY)
    system.detector.failure = None
    answer = system.search.search(QUERY)
    assert answer.degraded == ()
    assert answer.regions == (DRESS,)


def test_a_needed_part_that_is_too_slow_is_as_good_as_away(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "NEED_S", 0.0)
    system.catalogue.slow = {"search"}
    with deadlines.within(60.0), pytest.raises(Unavailable) as told:
        system.search.search(QUERY)
    assert told.value.retry_after_s


def test_a_shopper_whose_time_is_over_is_told_that_and_nothing_else(system: System) -> None:
    system.encoder.slow = {"card"}
    with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
        system.search.search(QUERY)


def test_a_help_that_is_too_slow_is_gone_without(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lacks, "HELP_S", 0.0)
    system.detector.slow = {"detect"}
    with deadlines.within(60.0):
        assert Lack.REGIONS in system.search.search(QUERY).degraded


def test_what_answers_lack_is_counted(system: System) -> None:
    def counted() -> float:
        return metrics.SEARCHES_DEGRADED.labels("ranking")._value.get()

    before = counted()
    system.ranker.failure = Unavailable("It is gone.")
    system.search.look(QUERY)
    assert counted() == before + 1


def test_a_verdict_by_looks_knows_the_very_picture_and_its_copies(system: System) -> None:
    system.ranker.failure = Unavailable("It is gone.")
    copying = Copying()
    copying.found = {"b": 0.97}
    system.search = CameraSearch(system.detector, system.encoder, system.catalogue, system.ranker, copying)
    ranking = system.search.search(QUERY).ranking
    assert (ranking.verdict, ranking.results[0].product_id) == (Verdict.EDITED_COPY, "b")


def test_the_status_of_the_index_is_asked_once_a_search(system: System) -> None:
    asked: list[str] = []

    class Asked(Counted):
        def status(self) -> IndexStatus:
            asked.append("status")
            return super().status()

    search = CameraSearch(system.detector, system.encoder, Asked(revision=1), system.ranker, None)
    search.search(QUERY)
    assert asked == ["status"]
