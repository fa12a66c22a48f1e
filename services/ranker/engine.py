"""Late fusion: one score a product from what it looks like, what it is and what colour it has.

A query has one or more probes (the whole frame, the region of interest), and a product has many regions. A product is worth
what its best pair of the two is worth, look and colour together: a photo of a sleeve is right when it fits the sleeve, however
little it looks like the whole coat. A picture of which the query is a copy looks as much like it as that is sure, and pictures
that copy each other are one result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from services.ranker import category
from services.ranker.weights import DEFAULT_PATH, PartWeights, RankingWeights, VerdictThresholds
from shoplens import deadlines
from shoplens.domain import Contribution, Features, Hit, Ranking, RankingQuery, Result, Scores, Verdict
from shoplens.taxonomy import Taxonomy, taxonomy


@dataclass(frozen=True, slots=True)
class _Match:
    """A product's best hit, and how alike look and colours are, 0..1."""

    hit: Hit
    look: float
    colour: float


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
        deadlines.check()
        weights = self._weights.weights.overridden(query.weights)
        fused = self._categories(query, hits)
        shares = weights.shares()
        agreement = cache(partial(category.agreement, fused=fused, taxonomy=self._taxonomy))
        best = _best(query, hits, weights)
        scored = [_scored(match, agreement(match.hit.node), shares, explain=query.explain) for match in best]
        scored.sort(key=lambda result: (-result.score, result.product_id))
        pictures = {match.hit.product_id: query.groups.get(match.hit.content_hash, match.hit.content_hash) for match in best}
        return Ranking(
            categories=category.guesses(fused),
            verdict=_verdict(query, hits, scored, self._weights.verdict),
            results=tuple(_folded(scored, pictures, query.top_k)),
        )

    def _categories(self, query: RankingQuery, hits: Sequence[Hit]) -> Mapping[str, float]:
        posterior = category.model_posterior(query.probes, self._leaves)
        if query.category is not None:
            # The shopper's pick wins: the model only says which leaf below it.
            allowed = [node for node in self._taxonomy.below(query.category) if node in self._taxonomy.leaves]
            within = {leaf: posterior.get(leaf, 0.0) + 1e-6 for leaf in allowed}
            total = sum(within.values())
            return {leaf: probability / total for leaf, probability in within.items()}
        vote = self._weights.vote
        return category.fuse(posterior, category.neighbour_vote(hits, self._taxonomy, vote.neighbours), vote.share)


def _scored(match: _Match, agreement: float, shares: Mapping[str, float], *, explain: bool) -> Result:
    values = {"visual": match.look, "category": agreement, "colour": match.colour}
    return Result(
        product_id=match.hit.product_id,
        image_id=match.hit.image_id,
        node=match.hit.node,
        score=sum(share * values[part] for part, share in shares.items()),
        scores=Scores(**values),
        details=match.hit.details,
        explanation=tuple(Contribution(part, share, values[part]) for part, share in shares.items()) if explain else (),
    )


def _best(query: RankingQuery, hits: Sequence[Hit], weights: PartWeights) -> list[_Match]:
    """Each product's best hit, by look and colour together."""
    best: dict[str, tuple[float, float, _Match]] = {}
    for hit, colour in zip(hits, _colours(query.probes, hits), strict=True):
        look = max(hit.similarity, query.copies.get(hit.content_hash, -1.0))
        worth = weights.visual * look + weights.colour * colour
        known = best.get(hit.product_id)
        if known is None or (worth, look) > known[:2]:
            best[hit.product_id] = (worth, look, _Match(hit, _unit(look), colour))
    return [match for _, _, match in best.values()]


def _folded(ranked: Sequence[Result], pictures: Mapping[str, str], top_k: int) -> list[Result]:
    """The best of the products whose picture is the same or a copy; it names the others. ``pictures``: by product, what is the same."""
    kept: dict[str, Result] = {}
    for result in ranked:
        picture = pictures[result.product_id]
        if picture in kept:
            kept[picture] = replace(kept[picture], duplicates=(*kept[picture].duplicates, result.product_id))
        else:
            kept[picture] = result
    return list(kept.values())[:top_k]


def _colours(probes: Sequence[Features], hits: Sequence[Hit]) -> list[float]:
    """How alike the colours of each hit and its probe are, 0..1."""
    if not hits:
        return []
    of_probes = np.stack([probes[hit.probe].colour for hit in hits])
    of_hits = np.stack([hit.colour for hit in hits])
    return [_unit(float(value)) for value in np.einsum("ij,ij->i", of_probes, of_hits)]


def _verdict(query: RankingQuery, hits: Sequence[Hit], ranked: Sequence[Result], thresholds: VerdictThresholds) -> Verdict:
    hashes = {probe.content_hash for probe in query.probes if probe.content_hash}
    if any(hit.content_hash in hashes for hit in hits):
        return Verdict.EXACT_COPY
    if any(hit.content_hash in query.copies for hit in hits):
        return Verdict.EDITED_COPY
    if not ranked:
        return Verdict.NO_MATCH
    best = ranked[0].scores.visual
    if best >= thresholds.same_product:
        return Verdict.SAME_PRODUCT
    return Verdict.SIMILAR if best >= thresholds.similar else Verdict.NO_MATCH


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
