"""Late fusion: one score a product from what it looks like, what it is and what colour it has.

A query has one or more probes (the whole frame, the region of interest), and each probe brought its own hits. A product's
visual and colour parts are the means over the probes of its best hit; a probe that did not bring the product at all counts
as its farthest hit did, since the product lies farther still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.ranker import category
from services.ranker.weights import DEFAULT_PATH, PARTS, PartWeights, RankingWeights, VerdictThresholds
from shoplens.domain import Contribution, Features, Hit, Ranking, RankingQuery, Result, Scores, Verdict
from shoplens.taxonomy import Taxonomy, taxonomy


@dataclass(frozen=True, slots=True)
class _Match:
    """A product's best hit for each probe that brought it."""

    best: Hit
    by_probe: Mapping[int, Hit]


class FusionRanker:
    """Implements ``ports.Ranker``."""

    def __init__(self, weights: RankingWeights, leaves: Sequence[str], tree: Taxonomy | None = None) -> None:
        self._weights = weights
        self._leaves = tuple(leaves)
        self._taxonomy = tree or taxonomy()

    @classmethod
    def load(cls, leaves: Sequence[str], path: Path = DEFAULT_PATH) -> FusionRanker:
        """``leaves`` are the encoder card's categories, in its order."""
        return cls(RankingWeights.load(path), leaves)

    def rank(self, query: RankingQuery, hits: Sequence[Hit]) -> Ranking:
        weights = self._weights.weights.overridden(query.weights)
        fused = self._categories(query, hits)
        matches = _by_product(hits)
        floors = _floors(hits)
        scored = [self._score(query, match, floors, fused, weights) for match in matches]
        scored.sort(key=lambda result: (-result.score, result.product_id))
        return Ranking(
            categories=category.guesses(fused),
            verdict=_verdict(query.probes, matches, scored, self._weights.verdict),
            results=tuple(scored[: query.top_k]),
        )

    def _categories(self, query: RankingQuery, hits: Sequence[Hit]) -> Mapping[str, float]:
        if query.category is not None:
            # The shopper's pick wins: the model only says which leaf below it.
            allowed = {node for node in self._taxonomy.below(query.category) if node in self._taxonomy.leaves}
            posterior = category.model_posterior(query.probes[-1], self._leaves)
            within = {leaf: posterior.get(leaf, 0.0) + 1e-6 for leaf in allowed}
            total = sum(within.values())
            return {leaf: probability / total for leaf, probability in within.items()}
        vote = self._weights.vote
        # The last probe is the most particular one: the region, where there is a region.
        posterior = category.model_posterior(query.probes[-1], self._leaves)
        return category.fuse(posterior, category.neighbour_vote(hits, self._taxonomy, vote.neighbours), vote.share)

    def _score(
        self,
        query: RankingQuery,
        match: _Match,
        floors: Mapping[int, float],
        fused: Mapping[str, float],
        weights: PartWeights,
    ) -> Result:
        visual = float(np.mean([_similarity(match, probe, floors) for probe in range(len(query.probes))]))
        colour = float(np.mean([query.probes[probe].colour @ hit.colour for probe, hit in match.by_probe.items()]))
        values = {
            "visual": _unit(visual),
            "category": category.agreement(match.best.node, fused, self._taxonomy),
            "colour": _unit(colour),
        }
        by_part = weights.model_dump()
        total = sum(by_part.values())
        shares = tuple(Contribution(part, by_part[part] / total, values[part]) for part in PARTS)
        return Result(
            product_id=match.best.product_id,
            image_id=match.best.image_id,
            score=sum(share.weight * share.value for share in shares),
            scores=Scores(**values),
            details=match.best.details,
            explanation=shares if query.explain else (),
        )


def _by_product(hits: Sequence[Hit]) -> list[_Match]:
    best: dict[str, dict[int, Hit]] = {}
    for hit in hits:
        mine = best.setdefault(hit.product_id, {})
        known = mine.get(hit.probe)
        if known is None or (-hit.similarity, hit.image_id) < (-known.similarity, known.image_id):
            mine[hit.probe] = hit
    return [_Match(min(mine.values(), key=lambda hit: (-hit.similarity, hit.probe)), mine) for mine in best.values()]


def _floors(hits: Sequence[Hit]) -> dict[int, float]:
    floors: dict[int, float] = {}
    for hit in hits:
        floors[hit.probe] = min(floors.get(hit.probe, 1.0), hit.similarity)
    return floors


def _similarity(match: _Match, probe: int, floors: Mapping[int, float]) -> float:
    hit = match.by_probe.get(probe)
    return hit.similarity if hit is not None else floors.get(probe, 0.0)


def _verdict(probes: Sequence[Features], matches: Sequence[_Match], ranked: Sequence[Result], thresholds: VerdictThresholds) -> Verdict:
    hashes = {probe.content_hash for probe in probes if probe.content_hash}
    if any(hit.content_hash in hashes for match in matches for hit in match.by_probe.values()):
        return Verdict.EXACT_COPY
    if not ranked:
        return Verdict.NO_MATCH
    best = ranked[0].scores.visual
    if best >= thresholds.same_product:
        return Verdict.SAME_PRODUCT
    return Verdict.SIMILAR if best >= thresholds.similar else Verdict.NO_MATCH


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
