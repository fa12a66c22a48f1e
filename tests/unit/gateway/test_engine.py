"""Camera search: which boxes are encoded, what is searched, and what the answer says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from services.gateway.engine import CameraSearch
from services.ranker.engine import FusionRanker
from services.ranker.weights import RankingWeights
from shoplens import deadlines
from shoplens.domain import (
    WHOLE_FRAME,
    Box,
    Change,
    Copy,
    EncoderCard,
    Features,
    Filter,
    Hit,
    IndexStatus,
    Lack,
    Picture,
    ProductDetails,
    Region,
    RegionQuery,
    SearchQuery,
    Verdict,
)
from shoplens.errors import DeadlineExceeded, InvalidArgument, Overloaded, Unavailable
from shoplens.filters import parse

CARD = EncoderCard("test", "1", 2, 2, ("dress", "shoes"))
PICTURE = Picture(np.zeros((40, 30, 3), np.uint8), "hash", 30, 40)
DRESS = Region(Box(0.2, 0.1, 0.8, 0.7), "dress", 0.9)
SHOES = Region(Box(0.3, 0.8, 0.6, 1.0), "shoes", 0.95)


def features(likely: Sequence[float] = (0.7, 0.3)) -> Features:
    return Features(np.array([1, 0], np.float32), np.array(likely, np.float32), np.array([1, 0], np.float32), "hash")


class Detecting:
    def __init__(self, *regions: Region) -> None:
        self.regions = regions
        self.asked: list[str | None] = []

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        self.asked.append(category)
        return self.regions


class Encoding:
    def __init__(self) -> None:
        self.boxes: list[tuple[Box, ...]] = []
        self.likely = (0.7, 0.3)

    def card(self) -> EncoderCard:
        return CARD

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        self.boxes.append(tuple(boxes))
        return [features(self.likely) for _ in boxes]


class Catalogue:
    def __init__(self) -> None:
        self.nodes: list[tuple[str, ...]] = []
        self.asked: list[tuple[Filter | None, str, int]] = []
        self.similarity = 0.9
        self.items = 3

    def search(self, query):
        self.nodes.append(tuple(query.nodes))
        self.asked.append((query.only, query.words, query.limit))
        assert query.model == CARD.model
        return [
            Hit(probe, name, "1", self.similarity, WHOLE_FRAME, "dress", np.array([1, 0], np.float32), name, ProductDetails(title=name))
            for probe in range(len(query.probes))
            for name in ("a", "b", "c")
        ][: query.limit]

    def features(self, product_id: str) -> Sequence[Features]:
        return [features()]

    def status(self) -> IndexStatus:
        return IndexStatus("test-1", self.items, 3, datetime.now(UTC), True)


class Copying:
    """Says what it was told of copies; ``failure`` is raised instead."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self.grouped: dict[str, str] = {}
        self.asked: list[tuple[str, ...]] = []
        self.failure: Exception | None = None

    def among(self, picture: Picture, content_hashes: Sequence[str]) -> Sequence[Copy]:
        if self.failure:
            raise self.failure
        self.asked.append(tuple(content_hashes))
        return [Copy(name, self.found[name], Change()) for name in content_hashes if name in self.found]

    def groups(self, content_hashes: Sequence[str]) -> Mapping[str, str]:
        if self.failure:
            raise self.failure
        return {name: self.grouped[name] for name in content_hashes if name in self.grouped}


@pytest.fixture
def encoder() -> Encoding:
    return Encoding()


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
def copies() -> Copying:
    return Copying()


@pytest.fixture
def camera(encoder, catalogue, copies):
    def make(*regions: Region) -> CameraSearch:
        return CameraSearch(Detecting(*regions), encoder, catalogue, FusionRanker.fixed(RankingWeights.load(), CARD), copies)

    return make


def test_a_filter_and_the_words_of_a_wish_go_to_the_catalogue_which_looks_further_then(camera, catalogue):
    only = parse("price < 50")
    camera().search(SearchQuery(picture=PICTURE, only=only, text="this, but in red"))
    camera().search(SearchQuery(picture=PICTURE))
    (asked_only, words, further), (nothing, silent, near) = catalogue.asked
    assert (asked_only, words, nothing, silent) == (only, "red", None, "")
    assert further > near


@pytest.mark.parametrize(
    ("items", "similarity", "asked"),
    [(100_000, 0.9, [("dress",)]), (100_000, 0.3, [("dress",), ()]), (100, 0.9, [()])],
    ids=["sure", "sure, and nothing alike", "a small catalogue"],
)
def test_a_large_catalogue_is_searched_among_the_likeliest_kinds_first(camera, catalogue, encoder, items, similarity, asked):
    catalogue.items, catalogue.similarity, encoder.likely = items, similarity, (0.99, 0.01)
    camera().search(SearchQuery(picture=PICTURE, top_k=3))
    assert [nodes[:1] for nodes in catalogue.nodes] == asked


def test_a_pick_and_words_search_what_they_say_whatever_is_likely(camera, catalogue, encoder):
    catalogue.items, encoder.likely = 100_000, (0.99, 0.01)
    camera().search(SearchQuery(picture=PICTURE, category="shoes", top_k=3))
    camera().search(SearchQuery(picture=PICTURE, text="in red", top_k=3))
    assert [nodes[:1] for nodes in catalogue.nodes] == [("shoes",), ()]


def test_the_frame_and_the_most_salient_region_are_searched(camera, encoder):
    answer = camera(SHOES, DRESS).search(SearchQuery(picture=PICTURE))
    assert encoder.boxes == [(WHOLE_FRAME, DRESS.box)]
    assert answer.regions[answer.region] == DRESS


def test_a_photo_without_regions_is_searched_whole(camera, encoder):
    answer = camera().search(SearchQuery(picture=PICTURE))
    assert encoder.boxes == [(WHOLE_FRAME,)]
    assert [(region.box, region.category) for region in answer.regions] == [(WHOLE_FRAME, "dress")]


def test_a_drawn_box_is_all_that_is_searched_and_nothing_is_detected(camera, encoder):
    drawn = Box(0.1, 0.1, 0.3, 0.3)
    answer = camera(DRESS).search(SearchQuery(picture=PICTURE, box=drawn))
    assert encoder.boxes == [(drawn,)]
    assert [region.box for region in answer.regions] == [drawn]


def test_the_shoppers_category_chooses_the_region_and_restricts_the_catalogue(camera, encoder, catalogue):
    answer = camera(DRESS, SHOES).search(SearchQuery(picture=PICTURE, category="shoes"))
    assert answer.regions[answer.region] == SHOES
    assert set(catalogue.nodes[0]) >= {"shoes", "sandals", "heels"}
    assert answer.ranking.categories[0].name in {"shoes", "sandals", "heels"}


@pytest.mark.parametrize(("least", "left"), [(None, [DRESS]), (0.0, [DRESS, Region(SHOES.box, "shoes", 0.2)]), (0.95, [])])
def test_regions_below_the_wanted_score_are_left_out(camera, least, left):
    unsure = Region(SHOES.box, "shoes", 0.2)
    answer = camera(DRESS, unsure).search(SearchQuery(picture=PICTURE, region_score=least))
    assert list(answer.regions) == left or (not left and answer.regions[0].box == WHOLE_FRAME)


def test_a_search_that_finds_too_few_products_goes_deeper(camera, catalogue, monkeypatch):
    shallow = [hit for hit in catalogue.search(RegionQuery([0], limit=200, model=CARD.model)) if hit.product_id == "a"] * 100
    deep = catalogue.search(RegionQuery([0], limit=200, model=CARD.model))
    monkeypatch.setattr(catalogue, "search", lambda query: shallow if query.limit <= 100 else deep)
    answer = camera().search(SearchQuery(picture=PICTURE, top_k=3))
    assert [result.product_id for result in answer.ranking.results] == ["a", "b", "c"]


def test_more_like_this_leaves_the_product_itself_out(camera):
    answer = camera().similar("a", top_k=5)
    assert [result.product_id for result in answer.ranking.results] == ["b", "c"]


@pytest.mark.parametrize("query", [SearchQuery(), SearchQuery(picture=PICTURE, product_id="a")])
def test_exactly_one_of_picture_and_product_is_asked_for(camera, query):
    with pytest.raises(InvalidArgument, match="exactly one"):
        camera().search(query)


def test_nothing_is_begun_for_a_shopper_who_no_longer_waits(camera, encoder):
    with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
        camera(DRESS).search(SearchQuery(picture=PICTURE))
    assert encoder.boxes == []


def test_the_answer_names_model_index_and_time(camera):
    answer = camera(DRESS).search(SearchQuery(picture=PICTURE))
    assert answer.model == "test-1"
    assert answer.index.items == 3
    assert {"detect", "encode", "search", "rank", "total"} <= set(answer.timings_ms)


def test_a_photo_that_is_an_edited_copy_is_told_so_and_its_product_comes_first(camera, copies):
    copies.found = {"c": 0.97}
    ranking = camera().search(SearchQuery(picture=PICTURE)).ranking
    assert ranking.verdict is Verdict.EDITED_COPY
    assert (ranking.results[0].product_id, ranking.results[0].scores.visual) == ("c", 0.97)
    assert copies.asked == [("a", "b", "c")]


def test_products_with_copies_of_one_picture_are_one_result(camera, copies):
    copies.grouped = {"a": "group", "c": "group"}
    results = camera().search(SearchQuery(picture=PICTURE)).ranking.results
    assert [(result.product_id, result.duplicates) for result in results] == [("a", ("c",)), ("b", ())]


def test_hits_that_are_not_much_like_the_photo_are_not_looked_at_for_copies(camera, copies, catalogue):
    catalogue.similarity = 0.3
    camera().search(SearchQuery(picture=PICTURE))
    assert copies.asked == []


@pytest.mark.parametrize("failure", [Unavailable("It is gone."), Overloaded("It is busy.")])
def test_a_search_answers_without_copies_where_they_cannot_be_asked(camera, copies, failure):
    copies.failure = failure
    answer = camera().search(SearchQuery(picture=PICTURE))
    assert [result.product_id for result in answer.ranking.results] == ["a", "b", "c"]
    assert answer.ranking.verdict is Verdict.SAME_PRODUCT
    assert answer.degraded == (Lack.COPIES,)


def test_a_search_can_do_without_copies_altogether(encoder, catalogue):
    camera = CameraSearch(Detecting(), encoder, catalogue, FusionRanker.fixed(RankingWeights.load(), CARD), None)
    assert camera.search(SearchQuery(picture=PICTURE)).ranking.verdict is Verdict.SAME_PRODUCT
