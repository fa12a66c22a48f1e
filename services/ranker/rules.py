"""What a ranker goes by."""

from __future__ import annotations

from dataclasses import dataclass

from services.ranker.learned import LearnedRanker
from services.ranker.weights import RankingWeights


@dataclass(frozen=True, slots=True)
class Rules:
    """learned: takes the place of the weighted sum, or plays against it (``weights.trial``)."""

    weights: RankingWeights
    learned: LearnedRanker | None = None
