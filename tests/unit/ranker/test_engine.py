"""The ranker: parts are fused, explained, and never bury the order they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.engine import FusionRanker
from services.ranker.weights import RankingWeights
from shoplens.domain import WHOLE_FRAME, EncoderCard, Features, Hit, ProductDetails, RankingQuery, Vector, Verdict
from shoplens.errors import InvalidArgument

LEAVES = ("t-shirt", "shirt", "dress", "shoes")
RED, BLUE = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
CARD = EncoderCard("test", "1", 1, 2, LEAVES, {"red": RED, "blue": BLUE})


def features(leaf: str = "shirt", colour: Vector = RED, content_hash: str = "query") -> Features:
    categories = np.array([0.91 if name == leaf else 0.03 for name in LEAVES], np.float32)
    return Features(np.ones(1, np.float32), categories, colour, content_hash)


def hit(
    product_id: str,
    similarity: float,
    *,
    node: str = "shirt",
    colour: Vector = RED,
    probe: int = 0,
    image_id: str = "1",
    content_hash: str = "",
) -> Hit:
    return Hit(
        probe, product_id, image_id, similarity, WHOLE_FRAME, node, colour, content_hash or product_id, ProductDetails(title=product_id)
    )


WEIGHTS = RankingWeights.model_validate(
    {
        "encoder": "test",
        "weights": {"visual": 1.0, "colour": 0.5, "category": 0.25},
        "verdict": {"same_product": 0.8, "similar": 0.5},
        "vote": {"neighbours": 30, "share": 0.5},
    }
)


@pytest.fixture
def ranker() -> FusionRanker:
    return FusionRanker.fixed(WEIGHTS, CARD)


def ids(ranking) -> list[str]:
    return [result.product_id for result in ranking.results]


def test_the_nearest_comes_first_when_all_else_is_equal(ranker):
    assert ids(ranker.rank(RankingQuery((features(),)), [hit("far", 0.4), hit("near", 0.9), hit("middle", 0.6)])) == [
        "near",
        "middle",
        "far",
    ]


def test_colour_decides_between_equals(ranker):
    assert ids(ranker.rank(RankingQuery((features(colour=BLUE),)), [hit("red", 0.7), hit("blue", 0.7, colour=BLUE)])) == ["blue", "red"]


def test_category_decides_between_equals(ranker):
    hits = [hit("shoe", 0.7, node="shoes"), hit("shirt", 0.7), hit("tee", 0.7, node="t-shirt")]
    assert ids(ranker.rank(RankingQuery((features("shirt"),)), hits)) == ["shirt", "tee", "shoe"]


def test_a_product_appears_once_with_its_best_picture(ranker):
    ranking = ranker.rank(RankingQuery((features(),)), [hit("a", 0.5, image_id="back"), hit("a", 0.8, image_id="front")])
    assert [(result.product_id, result.image_id) for result in ranking.results] == [("a", "front")]


def test_a_product_is_worth_its_best_pair_of_probe_and_region(ranker):
    query = RankingQuery((features(colour=RED), features(colour=BLUE)))
    hits = [hit("a", 0.8, image_id="look", colour=BLUE), hit("a", 0.7, image_id="both", colour=BLUE, probe=1), hit("b", 0.85, colour=BLUE)]
    ranking = ranker.rank(query, hits)
    assert [(result.product_id, result.image_id) for result in ranking.results] == [("a", "both"), ("b", "1")]
    assert ranking.results[0].scores.visual == pytest.approx(0.7)


def test_the_explanation_adds_up_to_the_score(ranker):
    result = ranker.rank(RankingQuery((features(),), explain=True), [hit("a", 0.7, colour=BLUE, node="dress")]).results[0]
    assert {share.part for share in result.explanation} == {"visual", "colour", "category", "business"}
    assert sum(share.weight * share.value for share in result.explanation) == pytest.approx(result.score)


def test_a_request_can_bring_its_own_weights(ranker):
    hits = [hit("near red", 0.9), hit("far blue", 0.6, colour=BLUE)]
    query = RankingQuery((features(colour=BLUE),), weights={"colour": 10.0, "visual": 0.1})
    assert ids(ranker.rank(query, hits))[0] == "far blue"


@pytest.mark.parametrize(
    "weights", [{"visual": -1}, {"beauty": 1}, {"visual": float("nan")}, {"visual": 11}, {"visual": 0, "colour": 0, "category": 0}]
)
def test_weights_that_make_no_sense_are_refused(ranker, weights):
    with pytest.raises(InvalidArgument, match="weights"):
        ranker.rank(RankingQuery((features(),), weights=weights), [hit("a", 0.5)])


@pytest.mark.parametrize(
    ("hits", "verdict"),
    [
        ([hit("a", 0.3, content_hash="query")], Verdict.EXACT_COPY),
        ([hit("a", 0.9)], Verdict.SAME_PRODUCT),
        ([hit("a", 0.6)], Verdict.SIMILAR),
        ([hit("a", 0.2)], Verdict.NO_MATCH),
        ([], Verdict.NO_MATCH),
    ],
)
def test_the_verdict_says_how_near_the_best_is(ranker, hits, verdict):
    assert ranker.rank(RankingQuery((features(),)), hits).verdict is verdict


def test_neighbours_outvote_a_model_that_is_unsure(ranker):
    unsure = Features(np.ones(1, np.float32), np.array([0.3, 0.28, 0.22, 0.2], np.float32), RED, "query")
    ranking = ranker.rank(RankingQuery((unsure,)), [hit("a", 0.9, node="dress"), hit("b", 0.8, node="dress")])
    assert ranking.categories[0].name == "dress"


def test_the_shoppers_pick_always_wins(ranker):
    ranking = ranker.rank(RankingQuery((features("shoes"),), category="dress"), [hit("a", 0.9, node="dress")])
    assert ranking.categories[0].name == "dress"
    assert sum(guess.probability for guess in ranking.categories) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.floats(-1, 1), st.integers(0, 1)), max_size=40), st.integers(1, 5))
def test_every_answer_is_ordered_bounded_and_without_repeats(matches, top_k):
    ranker = FusionRanker.fixed(RankingWeights.load(), CARD)
    hits = [hit(product_id, similarity, probe=probe) for product_id, similarity, probe in matches]
    results = ranker.rank(RankingQuery((features(), features()), top_k=top_k), hits).results
    scores = [result.score for result in results]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 + 1e-9 for score in scores)
    assert len({result.product_id for result in results}) == len(results) == min(top_k, len({match[0] for match in matches}))


def test_a_picture_that_the_photo_is_a_copy_of_looks_as_much_like_it_as_that_is_sure(ranker):
    query = RankingQuery((features(),), copies={"original": 0.96})
    ranking = ranker.rank(query, [hit("near", 0.9), hit("original", 0.4)])
    assert ids(ranking) == ["original", "near"]
    assert ranking.results[0].scores.visual == 0.96
    assert ranking.verdict is Verdict.EDITED_COPY


def test_the_very_same_file_is_an_exact_copy_whatever_else_is_a_copy(ranker):
    query = RankingQuery((features(content_hash="photo"),), copies={"edited": 0.99})
    ranking = ranker.rank(query, [hit("edited", 0.9), hit("same", 0.9, content_hash="photo")])
    assert ranking.verdict is Verdict.EXACT_COPY


def test_pictures_that_copy_each_other_are_one_result_that_names_the_others(ranker):
    query = RankingQuery((features(),), groups={"a": "one", "c": "one"})
    ranking = ranker.rank(query, [hit("a", 0.9), hit("b", 0.8), hit("c", 0.7), hit("d", 0.9, content_hash="b")])
    assert [(result.product_id, result.duplicates) for result in ranking.results] == [("a", ("c",)), ("d", ("b",))]


def test_duplicates_do_not_use_up_what_was_asked_for(ranker):
    hits = [hit("a", 0.9, content_hash="one"), hit("b", 0.8, content_hash="one"), hit("c", 0.7)]
    assert ids(ranker.rank(RankingQuery((features(),), top_k=2), hits)) == ["a", "c"]
