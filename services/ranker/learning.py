"""Learning to rank from what shoppers did.

1. **How often a place is looked at** (:func:`examination`): shoppers click what stands at the top. A position-based model
   (Craswell et al. 2008) separates the place from the product: products of like score are assumed equally worth a click.
2. **Trees** (:mod:`services.ranker.learned`) on four fifths of the searches, corrected for the place.
3. **Judgement** on the searches held back: nDCG@10 of clicks, each weighted by how rarely its place is looked at (Joachims et
   al. 2017). The learned ranker wins only where the whole 95 % interval of its gain, by bootstrap over searches, lies above 0.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ranker.learned import LearnedRanker, fit, matrix
from services.ranker.weights import PartWeights
from shoplens.domain import Action
from shoplens.errors import FailedPrecondition
from shoplens.feedback import Session

LEAST_SEARCHES = 300
"""Searches with a reaction; with fewer, what is learned is noise."""

GAINS = {Action.CLICK: 1, Action.BASKET: 2, Action.PURCHASE: 3}
"""LambdaMART's grades; a grade g is worth 2ᵍ − 1."""

DEPTH = 10
_HELD_BACK_PERCENT = 20
_MOST_WEIGHT = 10.0
"""A click at a place that hardly anybody looks at would outweigh all others."""
_BINS = 20
_ROUNDS = 30
_RESAMPLES = 1_000
_PERCENTILES = (1.0, 99.0)

Order = Callable[[Session], Sequence[float]]
"""A score for each result of a search."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """nDCG@10 on the searches held back, 0..1, and the gain's 95 % interval. wins: the interval lies above 0."""

    searches: int
    held_back: int
    before: float
    after: float
    gain_low: float
    gain_high: float

    @property
    def wins(self) -> bool:
        return self.gain_low > 0.0


def learn(sessions: Iterable[Session], weights: PartWeights) -> tuple[LearnedRanker, Judgement]:
    """Raises ``FailedPrecondition`` where there is too little to learn from."""
    useful = [session for session in sessions if session.reactions and len(session.results) > 1]
    if len(useful) < LEAST_SEARCHES:
        raise FailedPrecondition(
            f"There are {len(useful)} searches with a reaction, and {LEAST_SEARCHES} are the least to learn from; let shoppers search on."
        )
    fixed = _fixed(weights)
    seen = examination(useful, fixed)
    held_back = [session for session in useful if _is_held_back(session)]
    taught = [session for session in useful if not _is_held_back(session)]
    features = np.concatenate([matrix([each.scores for each in session.results]) for session in taught])
    gains = np.concatenate([_gains(session) for session in taught])
    positions = np.concatenate([np.arange(len(session.results)) for session in taught])
    trees = fit(features, gains, [len(session.results) for session in taught], positions)
    raw = LearnedRanker(trees, 0.0, 1.0, {})
    low, high = np.percentile(raw.sums(features), _PERCENTILES)
    spare = 0.05 * max(high - low, 1e-6)
    before, after = (np.array([_ndcg(session, order(session), seen) for session in held_back]) for order in (fixed, _learned(raw)))
    judged = _judged(len(useful), before, after)
    figures = {"searches": judged.searches, "held_back": judged.held_back, "ndcg_before": judged.before, "ndcg_after": judged.after}
    return LearnedRanker(trees, float(low - spare), float(high + spare), figures), judged


def examination(sessions: Sequence[Session], order: Order) -> NDArray[np.float64]:
    """How often each place is looked at, beside the first (1.0), ``float64 [places]``.

    Alternates between two estimates until they agree: of each place from the worth of what stood there, and of the worth of
    products of like score from where they stood.
    """
    scores = np.concatenate([np.asarray(order(session)) for session in sessions])
    places = np.concatenate([np.arange(len(session.results)) for session in sessions])
    clicked = np.concatenate([_gains(session) > 0 for session in sessions]).astype(np.float64)
    edges = np.quantile(scores, np.linspace(0, 1, _BINS + 1)[1:-1])
    bins = np.searchsorted(edges, scores)
    seen = np.ones(int(places.max()) + 1)
    clicks_at = np.bincount(places, clicked, minlength=len(seen))
    clicks_of = np.bincount(bins, clicked, minlength=_BINS)
    for _ in range(_ROUNDS):
        worth = clicks_of / np.maximum(np.bincount(bins, seen[places], minlength=_BINS), 1e-9)
        seen = clicks_at / np.maximum(np.bincount(places, worth[bins], minlength=len(seen)), 1e-9)
        seen = np.clip(seen / max(seen[0], 1e-9), 1.0 / _MOST_WEIGHT, 1.0)
    return np.minimum.accumulate(seen)


def _fixed(weights: PartWeights) -> Order:
    def order(session: Session) -> Sequence[float]:
        active = {part for result in session.results for part in result.scores}
        shares = weights.shares(active)
        return [sum(share * result.scores.get(part, 0.0) for part, share in shares.items()) for result in session.results]

    return order


def _learned(ranker: LearnedRanker) -> Order:
    return lambda session: [float(each) for each in ranker.sums(matrix([result.scores for result in session.results]))]


def _ndcg(session: Session, scores: Sequence[float], seen: NDArray[np.float64]) -> float:
    gains = (2.0 ** _gains(session) - 1) / seen[: len(session.results)]
    ranked = gains[np.argsort(-np.asarray(scores), kind="stable")][:DEPTH]
    ideal = np.sort(gains)[::-1][:DEPTH]
    discount = 1 / np.log2(np.arange(2, len(ranked) + 2))
    return float((ranked * discount).sum() / (ideal * discount).sum())


def _judged(searches: int, before: NDArray[np.float64], after: NDArray[np.float64]) -> Judgement:
    gain = after - before
    dice = np.random.default_rng(0)
    means = [float(dice.choice(gain, len(gain)).mean()) for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Judgement(searches, len(gain), float(before.mean()), float(after.mean()), float(low), float(high))


def _gains(session: Session) -> NDArray[np.int64]:
    return np.array([GAINS[session.reactions[each.product_id]] if each.product_id in session.reactions else 0 for each in session.results])


def _is_held_back(session: Session) -> bool:
    return zlib.crc32(session.request_id.encode()) % 100 < _HELD_BACK_PERCENT
