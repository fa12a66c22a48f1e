"""What every ranker does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from shoplens import deadlines
from shoplens.domain import WHOLE_FRAME, Features, Hit, ProductDetails, RankingQuery, Verdict
from shoplens.errors import DeadlineExceeded
from shoplens.ports import Ranker
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeEncoder

ENCODER = FakeEncoder()
"""A ranker under test reads this encoder's probabilities."""


def features(seed: int) -> Features:
    (made,) = ENCODER.encode(pictures.picture(seed), [WHOLE_FRAME])
    return made


def hits(probe: Features, seeds: Sequence[int], *, views: int = 2, node: str = "t-shirt") -> list[Hit]:
    """Products called after their seeds, each with ``views`` pictures."""
    made = []
    for seed in seeds:
        for view in range(views):
            near = features(seed + view)
            similarity = float(probe.embedding @ near.embedding)
            made.append(
                Hit(0, f"p{seed}", str(view), similarity, WHOLE_FRAME, node, near.colour, near.content_hash, ProductDetails(f"Tee {seed}"))
            )
    return sorted(made, key=lambda hit: -hit.similarity)


class RankerContract:
    """Asks for the fixture ``ranker``."""

    def test_each_product_comes_once_best_first(self, ranker: Ranker) -> None:
        probe = features(0)
        results = ranker.rank(RankingQuery((probe,)), hits(probe, range(0, 20, 2))).results
        assert sorted(result.product_id for result in results) == sorted(f"p{seed}" for seed in range(0, 20, 2))
        assert all(better.score >= worse.score for better, worse in pairwise(results))
        assert all(0.0 <= result.score <= 1.0 for result in results)

    def test_no_more_results_than_asked_for(self, ranker: Ranker) -> None:
        probe = features(0)
        found = hits(probe, range(0, 20, 2))
        everything = ranker.rank(RankingQuery((probe,)), found).results
        assert ranker.rank(RankingQuery((probe,), top_k=3), found).results == everything[:3]

    def test_a_result_carries_the_details_of_its_product(self, ranker: Ranker) -> None:
        probe = features(0)
        (result,) = ranker.rank(RankingQuery((probe,)), hits(probe, [4])).results
        assert result.details == ProductDetails("Tee 4")

    def test_an_explanation_adds_up_to_the_score(self, ranker: Ranker) -> None:
        probe = features(0)
        found = hits(probe, range(0, 8, 2))
        for result in ranker.rank(RankingQuery((probe,), explain=True), found).results:
            assert sum(share.weight * share.value for share in result.explanation) == pytest.approx(result.score)
        assert not any(result.explanation for result in ranker.rank(RankingQuery((probe,)), found).results)

    def test_attributes_are_read_where_an_explanation_is_asked_for(self, ranker: Ranker) -> None:
        probe = features(0)
        found = hits(probe, range(0, 8, 2))
        read = ranker.rank(RankingQuery((probe,), explain=True), found).attributes
        assert read
        assert len({guess.name for guess in read}) == len(read)
        assert all(guess.value and 0.0 < guess.probability <= 1.0 for guess in read)
        assert ranker.rank(RankingQuery((probe,)), found).attributes == ()

    def test_the_same_picture_is_an_exact_copy(self, ranker: Ranker) -> None:
        probe = features(4)
        ranking = ranker.rank(RankingQuery((probe,)), hits(probe, range(0, 10, 2)))
        assert ranking.verdict is Verdict.EXACT_COPY
        assert ranking.results[0].product_id == "p4"

    def test_nothing_found_is_no_match(self, ranker: Ranker) -> None:
        ranking = ranker.rank(RankingQuery((features(0),)), [])
        assert (ranking.verdict, ranking.results) == (Verdict.NO_MATCH, ())
        assert ranking.categories

    def test_categories_come_surest_first(self, ranker: Ranker) -> None:
        probe = features(0)
        guesses = ranker.rank(RankingQuery((probe,)), hits(probe, range(0, 8, 2))).categories
        assert all(surer.probability >= other.probability for surer, other in pairwise(guesses))
        assert all(0.0 <= guess.probability <= 1.0 + 1e-6 for guess in guesses)

    def test_nothing_is_done_for_nobody(self, ranker: Ranker) -> None:
        probe = features(0)
        with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
            ranker.rank(RankingQuery((probe,)), [])
