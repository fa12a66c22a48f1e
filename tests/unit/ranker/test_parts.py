"""Words, wishes, the shop's own interest, and variety: what each adds to an order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.business import business
from services.ranker.engine import FusionRanker
from services.ranker.learned import LearnedRanker
from services.ranker.rules import Rules
from services.ranker.variety import MOST_VARIANTS
from services.ranker.weights import BusinessSignals, RankingWeights, Signal
from shoplens.domain import WHOLE_FRAME, EncoderCard, Features, Hit, ProductDetails, Ranking, RankingQuery, Vector
from shoplens.lexicon import lexicon

RED, BLUE = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
CARD = EncoderCard("test", "1", 1, 2, ("shirt", "dress"), {"red": RED, "blue": BLUE})
WEIGHTS = RankingWeights.load()
PROBE = Features(np.ones(1, np.float32), np.array([0.9, 0.1], np.float32), RED, "query")


def hit(product_id: str, similarity: float = 0.7, *, colour: Vector = RED, words: float | None = None, **details: object) -> Hit:
    said = replace(ProductDetails(), **details)  # type: ignore[arg-type]
    return Hit(0, product_id, "1", similarity, WHOLE_FRAME, "shirt", colour, product_id, said, words)


def ranked(*hits: Hit, text: str = "", weights: RankingWeights = WEIGHTS, **query: object) -> Ranking:
    asked = RankingQuery((PROBE,), wish=lexicon().wish(text), **query)  # type: ignore[arg-type]
    return FusionRanker.fixed(weights, CARD).rank(asked, hits)


def ids(ranking: Ranking) -> list[str]:
    return [result.product_id for result in ranking.results]


def test_words_decide_between_equals_and_are_silent_where_nothing_was_written() -> None:
    assert ids(ranked(hit("a", words=0.1), hit("b", words=0.9), text="linen")) == ["b", "a"]
    silent = ranked(hit("a"), explain=True).results[0]
    assert (silent.scores.text, silent.scores.attributes) == (None, None)
    assert {share.part for share in silent.explanation} == {"visual", "category", "colour", "business"}


def test_a_wish_for_a_colour_moves_the_target_from_the_photos_colour() -> None:
    hits = (hit("red", 0.8), hit("blue", 0.7, colour=BLUE))
    assert ids(ranked(*hits)) == ["red", "blue"]
    assert ids(ranked(*hits, text="this, but in blue")) == ["blue", "red"]


def test_a_style_that_was_found_by_one_colour_is_found_in_the_other() -> None:
    style = {"item_group_id": "S1"}
    hits = (
        hit("same style, red", 0.95, attributes={**style, "colour": "red"}),
        hit("same style, blue", 0.3, colour=BLUE, attributes={**style, "colour": "blue"}),
        hit("other, blue", 0.6, colour=BLUE, attributes={"colour": "blue"}),
    )
    ranking = ranked(*hits, text="in blue")
    assert ids(ranking) == ["same style, blue", "other, blue"]
    assert [variant.product_id for variant in ranking.results[0].variants] == ["same style, red"]


def test_a_wish_for_the_photos_own_colour_leaves_looks_to_decide_among_what_has_it() -> None:
    hits = (hit("near", 0.9, words=0.0), hit("far", 0.5, words=1.0))
    assert ids(ranked(*hits, text="in red")) == ids(ranked(*hits)) == ["near", "far"]


def test_the_shops_word_for_a_colour_counts_more_than_what_the_picture_shows() -> None:
    hits = (hit("shows", colour=BLUE, attributes={"colour": "red"}), hit("says", colour=RED, attributes={"colour": "Navy"}))
    assert ids(ranked(*hits, text="in blue")) == ["says", "shows"]


def test_a_wish_for_an_attribute_prefers_a_match_to_silence_and_silence_to_a_contradiction() -> None:
    hits = (hit("short", attributes={"sleeve": "short"}), hit("silent"), hit("long", title="Long-sleeved shirt"))
    ranking = ranked(*hits, text="with long sleeves", explain=True)
    assert ids(ranking) == ["long", "silent", "short"]
    assert [result.scores.attributes for result in ranking.results] == [1.0, 0.5, 0.0]
    for result in ranking.results:
        assert sum(share.weight * share.value for share in result.explanation) == pytest.approx(result.score)


def test_what_the_shopper_does_not_want_gives_way() -> None:
    assert ids(ranked(hit("striped", 0.75, title="Striped shirt"), hit("plain", 0.7), text="no stripes")) == ["plain", "striped"]


def test_what_is_sold_out_comes_after_its_equals_and_never_after_what_is_worse() -> None:
    hits = (hit("out", in_stock=False), hit("in"), hit("worse", 0.5, attributes={"rating": 5, "popularity": 1, "margin": 1}))
    assert ids(ranked(*hits)) == ["in", "out", "worse"]


@given(st.one_of(st.none(), st.text(max_size=5), st.booleans(), st.integers(), st.floats(), st.lists(st.text(max_size=3)).map(tuple)))
def test_whatever_a_signal_is_the_shops_interest_is_between_0_and_1(value: object) -> None:
    attributes = {} if value is None else {"rating": value}
    signals = BusinessSignals(stock=1.0, signals={"rating": Signal(low=1.0, high=5.0)})
    assert 0.0 <= business(ProductDetails(attributes=attributes), signals) <= 1.0  # type: ignore[arg-type]


def test_a_signal_rises_from_low_to_high_and_counts_half_where_it_is_not_given() -> None:
    signals = BusinessSignals(stock=0.0, signals={"rating": Signal(low=1.0, high=5.0)})
    found = [business(ProductDetails(attributes=each), signals) for each in ({"rating": 1}, {"rating": "3"}, {}, {"rating": 9.0})]
    assert found == [0.0, 0.5, 0.5, 1.0]


def test_the_colours_of_one_style_are_one_result_with_swatches() -> None:
    style = {"item_group_id": "S1"}
    ranking = ranked(
        hit("red", 0.9, title="Tee", attributes={**style, "colour": "Red"}),
        hit("other", 0.8),
        hit("blue", 0.7, title="Tee, blue", attributes={**style, "color": "Blue"}),
    )
    assert ids(ranking) == ["red", "other"]
    (variant,) = ranking.results[0].variants
    assert (variant.product_id, variant.image_id, variant.title, variant.colour) == ("blue", "1", "Tee, blue", "Blue")
    assert not ranking.results[1].variants


def test_a_style_shows_so_many_swatches_and_no_more() -> None:
    many = [hit(f"p{number:02}", 0.9 - number / 100, attributes={"item_group_id": 7}) for number in range(20)]
    (result,) = ranked(*many).results
    assert len(result.variants) == MOST_VARIANTS


def test_variety_lets_likes_give_way() -> None:
    hits = (hit("red 1", 0.9), hit("red 2", 0.89), hit("blue", 0.86, colour=BLUE))
    for variety, expected in {0.0: ["red 1", "red 2", "blue"], 1.0: ["red 1", "blue", "red 2"]}.items():
        weights = WEIGHTS.weights.overridden({"colour": 0.1, "variety": variety})
        assert ids(ranked(*hits, weights=WEIGHTS.model_copy(update={"weights": weights}))) == expected


def test_what_was_learned_takes_the_weights_place_and_is_explained(learned: LearnedRanker) -> None:
    ranker = FusionRanker(lambda: Rules(WEIGHTS, learned), CARD)
    hits = [hit("near", 0.9, in_stock=False), hit("sells", 0.4, attributes={"rating": 5, "popularity": 1, "margin": 1})]
    results = ranker.rank(RankingQuery((PROBE,), explain=True), hits).results
    assert [result.product_id for result in results] == ["sells", "near"]
    for result in results:
        assert sum(share.weight * share.value for share in result.explanation) == pytest.approx(result.score)
    own = ranker.rank(RankingQuery((PROBE,), weights={"visual": 2.0}), hits)
    assert ids(own) == ["near", "sells"]


def test_in_a_trial_both_pick_in_turn_and_each_result_says_whose_it_is(learned: LearnedRanker) -> None:
    rules = Rules(WEIGHTS.model_copy(update={"trial": True}), learned)
    hits = [hit(f"p{number}", number / 10, attributes={"rating": 5 - number}) for number in range(8)]
    results = FusionRanker(lambda: rules, CARD).rank(RankingQuery((PROBE,)), hits).results
    assert sorted(result.product_id for result in results) == [f"p{number}" for number in range(8)]
    assert {result.team for result in results[:2]} == {"fixed", "learned"}
