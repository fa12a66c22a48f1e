"""A ranker that goes by looks alone."""

from __future__ import annotations

from collections.abc import Sequence

from shoplens import deadlines
from shoplens.domain import AttributeGuess, CategoryGuess, Contribution, Hit, Ranking, RankingQuery, Result, Scores, Verdict
from shoplens.taxonomy import taxonomy

_SIMILAR = 0.5


class FakeRanker:
    """Implements ``ports.Ranker``: a product scores as its nearest hit."""

    def rank(self, query: RankingQuery, hits: Sequence[Hit]) -> Ranking:
        deadlines.check()
        best: dict[str, Hit] = {}
        for hit in sorted(hits, key=lambda hit: (-hit.similarity, hit.product_id, hit.image_id)):
            best.setdefault(hit.product_id, hit)
        results = tuple(_result(hit, explain=query.explain) for hit in best.values())
        read = (AttributeGuess("gender", "women", 0.75),) if query.explain else ()
        return Ranking(_categories(query), _verdict(query, hits, results), results[: query.top_k], read)


def _result(hit: Hit, *, explain: bool) -> Result:
    score = min(max(hit.similarity, 0.0), 1.0)
    explanation = (Contribution("visual", 1.0, score),) if explain else ()
    return Result(hit.product_id, hit.image_id, hit.node, score, Scores(visual=score), hit.details, explanation)


def _categories(query: RankingQuery) -> tuple[CategoryGuess, ...]:
    if query.category is not None:
        return (CategoryGuess(query.category, 1.0),)
    likely = zip(taxonomy().leaves, map(float, query.probes[-1].categories), strict=True)
    return tuple(CategoryGuess(*item) for item in sorted(likely, key=lambda item: -item[1])[:5])


def _verdict(query: RankingQuery, hits: Sequence[Hit], results: Sequence[Result]) -> Verdict:
    hashes = {probe.content_hash for probe in query.probes}
    if any(hit.content_hash in hashes for hit in hits):
        return Verdict.EXACT_COPY
    return Verdict.SIMILAR if results and results[0].score >= _SIMILAR else Verdict.NO_MATCH
