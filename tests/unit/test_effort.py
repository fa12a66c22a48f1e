"""How much Python runs for each hit of a search, counted in calls: seconds change with the machine, calls with the code alone.

A search has two hundred hits; what is done for each of them is most of the time between the models and the answer. The bounds are
a fifth above what the code took when they were set: who needs more raises them, and says why.
"""

from __future__ import annotations

import cProfile
from collections.abc import Callable

import pytest

from services.ranker.engine import FusionRanker
from shoplens.domain import Box, Hit, Price, ProductDetails, RankingQuery
from shoplens.rpc.convert.hits import pack_table, unpack_table
from shoplens.rpc.convert.rankings import pack_ranking, unpack_ranking
from tests.unit.ranker.test_engine import CARD, RED, WEIGHTS, features

FEW, MANY = 100, 200


def hits(count: int) -> list[Hit]:
    """Two of each product."""
    sold = [
        ProductDetails(title=f"Shirt {number}", price=Price(9.9, "EUR"), attributes={"sizes": ("S", "M"), "fit": "wide"})
        for number in range(count // 2)
    ]
    return [
        Hit(0, f"p{row // 2}", str(row % 2), 1 - row / 1000, Box(0, 0, 0.5, 1), "shirt", RED, f"hash {row}", sold[row // 2])
        for row in range(count)
    ]


def calls(work: Callable[[], object]) -> int:
    work()  # what is made once, at first use, is not part of it
    profile = cProfile.Profile()
    profile.enable()
    work()
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())  # type: ignore[attr-defined]  # typeshed lacks it


@pytest.fixture(scope="module")
def ranker() -> FusionRanker:
    return FusionRanker.fixed(WEIGHTS, CARD)


def a_hit(work: Callable[[list[Hit]], Callable[[], object]]) -> float:
    """Calls that one more hit costs."""
    return (calls(work(hits(MANY))) - calls(work(hits(FEW)))) / (MANY - FEW)


def test_ranking_a_hit(ranker: FusionRanker) -> None:
    assert 1 < a_hit(lambda found: lambda: ranker.rank(RankingQuery((features(),), top_k=20), found)) <= 30


def test_a_hit_on_its_way_between_services() -> None:
    assert 1 < a_hit(lambda found: lambda: pack_table(found)) <= 18

    def unpacking(found: list[Hit]) -> Callable[[], object]:
        message = pack_table(found)
        return lambda: unpack_table(message)

    assert 1 < a_hit(unpacking) <= 18


def test_a_result_on_its_way_between_services(ranker: FusionRanker) -> None:
    ranking = ranker.rank(RankingQuery((features(),), top_k=20), hits(MANY))
    assert len(ranking.results) == 20
    assert 1 < calls(lambda: unpack_ranking(pack_ranking(ranking))) / 20 <= 46
