"""Late fusion: one score a product from what it looks like, what it is, what colour it has, what the shopper wrote and what the
shop prefers.

A query has one or more probes (the whole frame, the region of interest), and a product has many regions. A product is worth
what its best pair of the two is worth, look and colour together: a photo of a sleeve is right when it fits the sleeve, however
little it looks like the whole coat. A picture of which the query is a copy looks as much like it as that is sure, and pictures
that copy each other are one result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from random import Random

import numpy as np

from services.ranker import category
from services.ranker.attributes import AttributeReader
from services.ranker.business import business
from services.ranker.interleaving import FIXED, LEARNED, team_draft
from services.ranker.learned import LearnedRanker
from services.ranker.rules import Rules
from services.ranker.variety import Shown, folded, style_of, varied
from services.ranker.weights import PARTS, PartWeights, RankingWeights, Styles, VerdictThresholds
from services.ranker.wishes import Wishes
from shoplens import deadlines
from shoplens.domain import Contribution, EncoderCard, Features, Hit, Ranking, RankingQuery, Result, Scores, Verdict
from shoplens.lexicon import lexicon
from shoplens.taxonomy import Taxonomy, taxonomy


@dataclass(frozen=True, slots=True)
class _Match:
    """A product's best hit, and how alike look and colours are, 0..1."""

    hit: Hit
    look: float
    colour: float


@dataclass(frozen=True, slots=True)
class _Scored:
    """A product's score, what the parts say of it, and who gave it: the weights, or what was learned. team: whose pick it was."""

    match: _Match
    values: Mapping[str, float]
    score: float
    by: LearnedRanker | None = None
    team: str = ""


class FusionRanker:
    """Implements ``ports.Ranker``."""

    def __init__(
        self, rules: Callable[[], Rules], card: EncoderCard, tree: Taxonomy | None = None, reader: AttributeReader | None = None
    ) -> None:
        """``rules``: asked once for each ranking, so that they may change meanwhile. reader: of the photo's attributes, where there is one
        for this encoder."""
        self._rules = rules
        self._card = card
        self._taxonomy = tree or taxonomy()
        self._reader = reader

    @classmethod
    def fixed(cls, weights: RankingWeights, card: EncoderCard) -> FusionRanker:
        """With weights that stay."""
        rules = Rules(weights)
        return cls(lambda: rules, card)

    def rank(self, query: RankingQuery, hits: Sequence[Hit]) -> Ranking:
        deadlines.check()
        rules = self._rules()
        settings = rules.weights
        wishes = Wishes(query.wish, self._card.palette, lexicon(), settings.attributes)
        weights = _weights(settings, query, wishes)
        fused = self._categories(query, hits, settings)
        shares = weights.shares(_active(query, wishes))
        agreement = cache(partial(category.agreement, fused=fused, taxonomy=self._taxonomy))
        matches = _best(query, hits, weights, wishes)
        if wishes.names_colour:
            matches = _sharing_looks(matches, settings.styles)
        values = [_values(match, agreement(match.hit.node), wishes, settings, shares) for match in matches]
        fixed = [
            _Scored(match, each, sum(share * each[part] for part, share in shares.items()))
            for match, each in zip(matches, values, strict=True)
        ]
        scored = _ordered(rules, query, fixed)
        ordered = varied(folded([_shown(each, query, settings) for each in scored]), weights.variety, query.top_k)
        ranking = Ranking(category.guesses(fused), _verdict(query, hits, scored, settings.verdict), tuple(each.result for each in ordered))
        if not query.explain:
            return ranking
        by_product = {each.match.hit.product_id: each for each in scored}
        results = tuple(replace(each, explanation=_explanation(by_product[each.product_id], shares)) for each in ranking.results)
        # The region itself comes before what was cut out of it.
        read = () if self._reader is None else self._reader.read(query.probes[0], fused)
        return replace(ranking, results=results, attributes=read)

    def _categories(self, query: RankingQuery, hits: Sequence[Hit], settings: RankingWeights) -> Mapping[str, float]:
        posterior = category.model_posterior(query.probes, self._card.categories)
        if query.category is not None:
            # The shopper's pick wins: the model only says which leaf below it.
            allowed = [node for node in self._taxonomy.below(query.category) if node in self._taxonomy.leaves]
            within = {leaf: posterior.get(leaf, 0.0) + 1e-6 for leaf in allowed}
            total = sum(within.values())
            return {leaf: probability / total for leaf, probability in within.items()}
        vote = settings.vote
        return category.fuse(posterior, category.neighbour_vote(hits, self._taxonomy, vote.neighbours), vote.share)


def _weights(settings: RankingWeights, query: RankingQuery, wishes: Wishes) -> PartWeights:
    """The file's, those for what was asked, and the request's own over both. Raises ``InvalidArgument``."""
    weights = settings.weights
    if wishes.names_colour:
        # Of a photo that is of this colour already, nothing else is asked than without the words.
        other = 1 - max(wishes.meant(probe.colour) for probe in query.probes)
        asked = {part: getattr(settings.asked, part) for part in ("colour", "category")}
        weights = weights.overridden({part: other * weight + (1 - other) * getattr(weights, part) for part, weight in asked.items()})
    return weights.overridden(query.weights)


def _active(query: RankingQuery, wishes: Wishes) -> list[str]:
    """The parts that have something to say to this query; the same for every result, so that their scores compare."""
    # Of a colour the signature and the shop's word say more than how often a description names it.
    silent = {"text": not (query.wish.rest or query.wish.attributes), "attributes": not wishes.names_attributes}
    return [part for part in PARTS if not silent.get(part, False)]


def _values(match: _Match, agreement: float, wishes: Wishes, settings: RankingWeights, shares: Mapping[str, float]) -> dict[str, float]:
    """What each part says of a product, 0..1: those that count, and what is known of words anyway."""
    details = match.hit.details
    values = {"visual": match.look, "category": agreement, "colour": match.colour, "business": business(details, settings.business)}
    if "text" in shares or match.hit.words is not None:
        values["text"] = match.hit.words or 0.0
    if "attributes" in shares:
        values["attributes"] = wishes.attributes(wishes.mentions(match.hit))
    return values


def _ordered(rules: Rules, query: RankingQuery, fixed: Sequence[_Scored]) -> list[_Scored]:
    """Best first: as the weights have it, as what was learned does, or as both do in turn."""
    if rules.learned is None or query.weights or not fixed:
        # Whoever sends weights of their own means the weights.
        return _sorted(fixed)
    scores = rules.learned.scores([each.values for each in fixed])
    learned = [replace(each, score=score, by=rules.learned) for each, score in zip(fixed, scores, strict=True)]
    if not rules.weights.trial:
        return _sorted(learned)
    by_team = {FIXED: {each.match.hit.product_id: each for each in fixed}, LEARNED: {each.match.hit.product_id: each for each in learned}}
    of_fixed, of_learned = ([each.match.hit.product_id for each in _sorted(scored)] for scored in (fixed, learned))
    return [replace(by_team[team][product_id], team=team) for product_id, team in team_draft(of_fixed, of_learned, Random())]


def _sorted(scored: Sequence[_Scored]) -> list[_Scored]:
    return sorted(scored, key=lambda each: (-each.score, each.match.hit.product_id))


def _shown(scored: _Scored, query: RankingQuery, settings: RankingWeights) -> Shown:
    hit = scored.match.hit
    result = Result(
        product_id=hit.product_id,
        image_id=hit.image_id,
        node=hit.node,
        score=scored.score,
        scores=Scores(**scored.values),
        details=hit.details,
        team=scored.team,
    )
    return Shown(result, query.groups.get(hit.content_hash, hit.content_hash), style_of(hit.details, settings.styles), hit.colour)


def _explanation(scored: _Scored, shares: Mapping[str, float]) -> tuple[Contribution, ...]:
    if scored.by is not None:
        return scored.by.explained(scored.values, scored.score)
    return tuple(Contribution(part, share, scored.values[part]) for part, share in shares.items())


def _best(query: RankingQuery, hits: Sequence[Hit], weights: PartWeights, wishes: Wishes) -> list[_Match]:
    """Each product's best hit, by look and colour together."""
    best: dict[str, tuple[float, float, _Match]] = {}
    wished = wishes.names_colour
    colours = wishes.colours([probe.colour for probe in query.probes], hits) if wished else _colours(query.probes, hits)
    for hit, colour in zip(hits, colours, strict=True):
        look = max(hit.similarity, query.copies.get(hit.content_hash, -1.0))
        worth = weights.visual * look + weights.colour * colour
        known = best.get(hit.product_id)
        if known is None or (worth, look) > known[:2]:
            best[hit.product_id] = (worth, look, _Match(hit, _unit(look), colour))
    return [match for _, _, match in best.values()]


def _sharing_looks(matches: Sequence[_Match], styles: Styles) -> list[_Match]:
    """Who wishes for another colour has found a style by one colour of it: all its colours look like the photo as much as the likest."""
    best: dict[str, float] = {}
    for match in matches:
        style = style_of(match.hit.details, styles)
        best[style] = max(match.look, best.get(style, 0.0))
    best.pop("", None)
    return [replace(match, look=best.get(style_of(match.hit.details, styles), match.look)) for match in matches]


def _colours(probes: Sequence[Features], hits: Sequence[Hit]) -> list[float]:
    """How alike the colours of each hit and its probe are, 0..1."""
    if not hits:
        return []
    of_probes = np.stack([probes[hit.probe].colour for hit in hits])
    of_hits = np.stack([hit.colour for hit in hits])
    return [_unit(float(value)) for value in np.einsum("ij,ij->i", of_probes, of_hits)]


def _verdict(query: RankingQuery, hits: Sequence[Hit], ranked: Sequence[_Scored], thresholds: VerdictThresholds) -> Verdict:
    hashes = {probe.content_hash for probe in query.probes if probe.content_hash}
    if any(hit.content_hash in hashes for hit in hits):
        return Verdict.EXACT_COPY
    if any(hit.content_hash in query.copies for hit in hits):
        return Verdict.EDITED_COPY
    if not ranked:
        return Verdict.NO_MATCH
    best = ranked[0].match.look
    if best >= thresholds.same_product:
        return Verdict.SAME_PRODUCT
    return Verdict.SIMILAR if best >= thresholds.similar else Verdict.NO_MATCH


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
