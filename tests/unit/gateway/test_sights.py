"""A photo that came before: what is not computed again, and what is."""

from __future__ import annotations

from dataclasses import replace

from services.gateway.engine import CameraSearch
from services.gateway.sights import RememberingDetector, RememberingEncoder
from services.ranker.engine import FusionRanker
from services.ranker.weights import RankingWeights
from shoplens.domain import WHOLE_FRAME, Box, IndexStatus, SearchQuery
from shoplens.errors import Unavailable
from tests.unit.gateway.test_engine import CARD, DRESS, PICTURE, SHOES, Catalogue, Copying, Detecting, Encoding

OTHER = replace(PICTURE, content_hash="other")
DRAWN = Box(0.1, 0.1, 0.5, 0.5)


class Counted(Catalogue):
    """A catalogue that says which revision it is."""

    def __init__(self, revision: int) -> None:
        super().__init__()
        self.revision = revision

    def status(self) -> IndexStatus:
        return replace(super().status(), revision=self.revision)


def searching(catalogue: Catalogue, copies: Copying | None = None) -> CameraSearch:
    return CameraSearch(Detecting(DRESS, SHOES), Encoding(), catalogue, FusionRanker.fixed(RankingWeights.load(), CARD), copies)


def test_the_models_see_a_photo_once() -> None:
    detecting, encoding = Detecting(DRESS), Encoding()
    detector, encoder = RememberingDetector(detecting), RememberingEncoder(encoding)
    for _ in range(2):
        assert list(detector.detect(PICTURE)) == [DRESS]
        assert len(encoder.encode(PICTURE, [WHOLE_FRAME, DRESS.box])) == 2
    assert detecting.asked == [None]
    assert encoding.boxes == [(WHOLE_FRAME, DRESS.box)]


def test_a_new_box_is_all_that_is_encoded_of_a_known_photo() -> None:
    encoding = Encoding()
    encoder = RememberingEncoder(encoding)
    encoder.encode(PICTURE, [WHOLE_FRAME])
    assert len(encoder.encode(PICTURE, [DRAWN, WHOLE_FRAME, DRAWN])) == 3
    assert encoding.boxes == [(WHOLE_FRAME,), (DRAWN,)]


def test_another_photo_and_another_guide_are_looked_at() -> None:
    detecting, encoding = Detecting(DRESS), Encoding()
    detector, encoder = RememberingDetector(detecting), RememberingEncoder(encoding)
    for picture in (PICTURE, OTHER):
        detector.detect(picture)
        encoder.encode(picture, [WHOLE_FRAME])
    detector.detect(PICTURE, category="dress")
    assert detecting.asked == [None, None, "dress"]
    assert len(encoding.boxes) == 2


def test_the_same_search_again_is_ranked_alone() -> None:
    catalogue = Counted(revision=7)
    search = searching(catalogue)
    first, second = (search.search(SearchQuery(picture=PICTURE)) for _ in range(2))
    assert len(catalogue.asked) == 1
    assert second.ranking == first.ranking
    assert second.regions == first.regions
    assert second.request_id != first.request_id
    assert {"detect", "encode", "search"} <= first.timings_ms.keys()
    assert set(second.timings_ms) == {"rank", "total"}


def test_weights_are_always_the_present_ones() -> None:
    search = searching(Counted(revision=7))
    first = search.search(SearchQuery(picture=PICTURE))
    other = search.search(SearchQuery(picture=PICTURE, weights={"visual": 0.0, "colour": 0.0, "category": 10.0}))
    assert other.ranking.results[0].score != first.ranking.results[0].score


def test_a_changed_catalogue_is_searched_anew() -> None:
    catalogue = Counted(revision=7)
    search = searching(catalogue)
    search.search(SearchQuery(picture=PICTURE))
    catalogue.revision = 8
    search.search(SearchQuery(picture=PICTURE))
    assert len(catalogue.asked) == 2


def test_another_question_is_another_search() -> None:
    catalogue = Counted(revision=7)
    search = searching(catalogue)
    query = SearchQuery(picture=PICTURE)
    for asked in (
        query,
        replace(query, box=DRAWN),
        replace(query, category="dress"),
        replace(query, text="red"),
        replace(query, picture=OTHER),
    ):
        search.search(asked)
    assert len(catalogue.asked) == 5


def test_a_catalogue_that_does_not_count_is_always_searched() -> None:
    catalogue = Catalogue()
    search = searching(catalogue)
    for _ in range(2):
        search.search(SearchQuery(picture=PICTURE))
    assert len(catalogue.asked) == 2


def test_an_answer_that_lacked_something_is_not_remembered() -> None:
    catalogue, copies = Counted(revision=7), Copying()
    copies.failure = Unavailable("The finder of copies cannot be reached.")
    search = searching(catalogue, copies)
    for _ in range(2):
        search.search(SearchQuery(picture=PICTURE))
    assert len(catalogue.asked) == 2
