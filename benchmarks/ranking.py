"""What ranking takes: 200 products, of three regions each, with everything that a query can ask for."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from services.ranker.engine import FusionRanker
from services.ranker.weights import RankingWeights
from shoplens.domain import WHOLE_FRAME, EncoderCard, Features, Hit, Price, ProductDetails, RankingQuery
from shoplens.lexicon import lexicon
from shoplens.taxonomy import taxonomy

PRODUCTS = 200
REGIONS = 3
COLOUR_WIDTH = 128
TURNS = 40
WISHES = {"plain": "", "wish": "a slim cotton shirt in blue, with long sleeves"}


def measured() -> dict[str, float]:
    """Milliseconds, the median of many turns, of a query without words and of one with many."""
    dice = np.random.default_rng(0)
    leaves = tuple(taxonomy().leaves)
    palette = {name: _unit(dice.normal(size=COLOUR_WIDTH)) for name in lexicon().colours}
    card = EncoderCard("bench", "1", 192, COLOUR_WIDTH, leaves, palette)
    probes = tuple(_features(dice, len(leaves)) for _ in range(2))
    hits = [_hit(dice, number, region, leaves) for number in range(PRODUCTS) for region in range(REGIONS)]
    ranker = FusionRanker.fixed(RankingWeights.load(), card)
    report = {}
    for name, text in WISHES.items():
        query = RankingQuery(probes, top_k=20, explain=True, wish=lexicon().wish(text))
        report[f"rank_{PRODUCTS}_{name}_ms"] = _median_ms(ranker, query, hits)
    return report


def _median_ms(ranker: FusionRanker, query: RankingQuery, hits: Sequence[Hit]) -> float:
    taken = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        ranker.rank(query, hits)
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken)) * 1000


def _hit(dice: np.random.Generator, number: int, region: int, leaves: Sequence[str]) -> Hit:
    details = ProductDetails(
        title=f"Product {number} {dice.choice(['slim', 'loose', ''])} {dice.choice(['navy', 'red', 'white'])} shirt",
        price=Price(10.0 + number, "EUR"),
        attributes={"colour": str(dice.choice(["Blue", "Red", "Navy"])), "sleeve": str(dice.choice(["long", "short"])), "rating": 4.2},
    )
    colour = _unit(dice.normal(size=COLOUR_WIDTH))
    node = leaves[number % len(leaves)]
    similarity = float(dice.uniform(0.2, 0.9))
    return Hit(
        region % 2, f"p{number}", str(region), similarity, WHOLE_FRAME, node, colour, f"{number}-{region}", details, float(dice.random())
    )


def _features(dice: np.random.Generator, leaves: int) -> Features:
    likely = dice.random(leaves).astype(np.float32)
    return Features(np.zeros(192, np.float32), likely / likely.sum(), _unit(dice.normal(size=COLOUR_WIDTH)), "query")


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
