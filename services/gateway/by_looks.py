"""The order of results where the ranker is away: by looks alone, each product once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shoplens.domain import CategoryGuess, EncoderCard, Hit, Ranking, RankingQuery, Result, Scores, Verdict

_MOST_GUESSES = 5


def by_looks(query: RankingQuery, hits: Sequence[Hit], card: EncoderCard) -> Ranking:
    """At most ``query.top_k`` products by their likest region; the categories are what the encoder sees.

    Nobody is there to tell the same product from a similar one, so the verdict claims no more than a similar one.
    """
    best: dict[str, tuple[float, Hit]] = {}
    for hit in hits:
        look = min(max(hit.similarity, query.copies.get(hit.content_hash, 0.0), 0.0), 1.0)
        if hit.product_id not in best or look > best[hit.product_id][0]:
            best[hit.product_id] = (look, hit)
    ordered = sorted(best.values(), key=lambda match: (-match[0], match[1].product_id))[: query.top_k]
    results = tuple(Result(hit.product_id, hit.image_id, hit.node, look, Scores(visual=look), hit.details) for look, hit in ordered)
    return Ranking(_guesses(query, card), _verdict(query, hits), results)


def _guesses(query: RankingQuery, card: EncoderCard) -> tuple[CategoryGuess, ...]:
    mean = np.mean([probe.categories for probe in query.probes], axis=0)
    likeliest = np.argsort(-mean, kind="stable")[:_MOST_GUESSES]
    return tuple(CategoryGuess(card.categories[place], float(mean[place])) for place in likeliest)


def _verdict(query: RankingQuery, hits: Sequence[Hit]) -> Verdict:
    found = {hit.content_hash for hit in hits}
    if found & {probe.content_hash for probe in query.probes if probe.content_hash}:
        return Verdict.EXACT_COPY
    if found & query.copies.keys():
        return Verdict.EDITED_COPY
    return Verdict.SIMILAR if hits else Verdict.NO_MATCH
