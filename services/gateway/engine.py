"""Camera search: a photo goes through detector, encoder, catalogue and ranker, and the shop's products come out.

Without the detector a photo is searched whole, without the ranker products come by looks, without what finds copies nothing is said of
them; without the encoder or the catalogue a photo that was searched before gets what was found then. The answer says which of these it
is (``degraded``).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.gateway import category_first
from services.gateway import regions as attention
from services.gateway.by_looks import by_looks
from services.gateway.copy_knowledge import CopyKnowledge
from services.gateway.lacks import ASK_S, NEED_S, Lacks
from services.gateway.sights import Known, Sight, Sights
from services.gateway.stopwatch import Stopwatch
from shoplens import metrics
from shoplens.deadlines import patience
from shoplens.domain import (
    WHOLE_FRAME,
    Box,
    EncoderCard,
    Features,
    Hit,
    IndexStatus,
    Lack,
    Look,
    LookRow,
    Picture,
    Ranking,
    RankingQuery,
    Region,
    RegionQuery,
    SearchAnswer,
    SearchQuery,
    Wish,
)
from shoplens.errors import InvalidArgument, Overloaded, Unavailable
from shoplens.lexicon import lexicon
from shoplens.ports import CatalogueReader, Copies, Detector, Encoder, Ranker
from shoplens.taxonomy import taxonomy

CANDIDATES = 64
"""Hits asked of the catalogue for each probe: enough that ranking can reorder, few enough to stay quick."""

HITS_A_RESULT = 5
"""Hits asked for each result wanted, beyond that: a product has some eight regions, and a second, deeper search costs as much again."""

DEEPER = 8
"""How much further a search goes that found too few products, because a product has many regions."""

FURTHER = 3
"""How much further a search goes that wishes for something else than the photo shows."""

REGION_SCORE = 0.5
"""Regions below this score are left out unless the request says otherwise."""

MOST_PIECES = 6
"""Pieces of a photo that a look has rows for."""

MOST_PROBES = 4
"""Pictures of a product that "more like this" searches with."""


class CameraSearch:
    """Implements ``ports.Search``."""

    def __init__(self, detector: Detector, encoder: Encoder, catalogue: CatalogueReader, ranker: Ranker, copies: Copies | None) -> None:
        """``copies``: asked for the verdict ``edited_copy`` and for what is shown once; None goes without."""
        self._detector = detector
        self._encoder = encoder
        self._catalogue = catalogue
        self._ranker = ranker
        self._copies = None if copies is None else CopyKnowledge(copies)
        self._sights = Sights()

    def search(self, query: SearchQuery) -> SearchAnswer:
        if (query.picture is None) == (query.product_id is None):
            raise InvalidArgument("Send exactly one of a picture and a product_id.")
        if query.product_id is not None:
            return self._search_stored(query, query.product_id)
        assert query.picture is not None
        return self._search_picture(query, query.picture)

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        return self._search_stored(SearchQuery(product_id=product_id, top_k=top_k), product_id)

    def look(self, query: SearchQuery) -> Look:
        if query.picture is None or query.product_id is not None:
            raise InvalidArgument("Send a picture, whose pieces are then searched for.")
        watch, lacks = Stopwatch(), Lacks()
        picture, query = query.picture, replace(query, box=None, category=None)
        with patience(ASK_S):
            card, status = self._encoder.card(), self._catalogue.status()
        with watch.stage("detect"):
            found = attention.pieces(self._regions(picture, query, lacks), MOST_PIECES)
        boxes = [region.box for region in found] or [WHOLE_FRAME]
        with watch.stage("encode"), patience(NEED_S):
            probes = tuple(self._encoder.encode(picture, boxes))
        if not found:
            found = (attention.described(WHOLE_FRAME, probes[0], card.categories, taxonomy()),)
        wish = lexicon().wish(query.text)
        hits = self._hits(watch, query, card, probes, wish, status)
        with watch.stage("rank"):
            rows = tuple(
                LookRow(region, self._ranked(_ranking_query(query, (probe,), wish), _of_probe(hits, number), card, lacks))
                for number, (region, probe) in enumerate(zip(found, probes, strict=True))
            )
        return Look(uuid.uuid4().hex, card.model, status, rows, watch.timings_ms(), lacks.told())

    def _search_picture(self, query: SearchQuery, picture: Picture) -> SearchAnswer:
        watch, lacks = Stopwatch(), Lacks()
        try:
            known = self._found(watch, query, picture, lacks)
        except (Unavailable, Overloaded) as error:
            last = self._sights.last(picture, query)
            if last is None:
                raise
            lacks = Lacks()  # whatever this search went without, the last one had
            lacks.note(Lack.FRESHNESS, error)
            known = last
        return self._answer(watch, query, known, lacks)

    def _found(self, watch: Stopwatch, query: SearchQuery, picture: Picture, lacks: Lacks) -> Known:
        """All that comes before ranking; what the same photo found before, as long as that is all there is."""
        with patience(ASK_S):
            # Before the search: what is written meanwhile makes another revision.
            card, status = self._encoder.card(), self._catalogue.status()
        known = self._sights.again(picture, query, card, status)
        if known is None:
            known = Known(card, status, self._seen(watch, query, picture, card, status, lacks))
            if not lacks.told():
                self._sights.remember(picture, query, known)
        return known

    def _seen(self, watch: Stopwatch, query: SearchQuery, picture: Picture, card: EncoderCard, status: IndexStatus, lacks: Lacks) -> Sight:
        with watch.stage("detect"):
            found = () if query.box is not None else self._regions(picture, query, lacks)
        chosen = attention.primary(found, _group(query.category)) if found else 0
        boxes = _probe_boxes(query.box, found, chosen)
        with watch.stage("encode"), patience(NEED_S):
            probes = tuple(self._encoder.encode(picture, boxes))
        if not found:
            found = (attention.described(boxes[-1], probes[-1], card.categories, taxonomy()),)
        wish = lexicon().wish(query.text)
        hits = self._hits(watch, query, card, probes, wish, status)
        copies: Mapping[str, float] = {}
        if self._copies is not None:
            with watch.stage("copies"), lacks.without(Lack.COPIES):
                copies = self._copies.of(picture, probes, hits)
        return Sight(probes, found, chosen, hits, copies)

    def _search_stored(self, query: SearchQuery, product_id: str) -> SearchAnswer:
        watch, lacks = Stopwatch(), Lacks()
        with patience(ASK_S):
            card, status = self._encoder.card(), self._catalogue.status()
        with watch.stage("encode"), patience(NEED_S):
            probes = tuple(self._catalogue.features(product_id))[:MOST_PROBES]
        frame = attention.described(WHOLE_FRAME, probes[0], card.categories, taxonomy())
        wish = lexicon().wish(query.text)
        hits = self._hits(watch, query, card, probes, wish, status)
        others = [hit for hit in hits if hit.product_id != product_id]
        return self._answer(watch, query, Known(card, status, Sight(probes, (frame,), 0, others, {})), lacks)

    def _regions(self, picture: Picture, query: SearchQuery, lacks: Lacks) -> tuple[Region, ...]:
        least = REGION_SCORE if query.region_score is None else query.region_score
        detected: Sequence[Region] = ()
        with lacks.without(Lack.REGIONS):
            detected = self._detector.detect(picture, category=_group(query.category))
        return tuple(region for region in detected if region.score >= least)

    def _hits(
        self, watch: Stopwatch, query: SearchQuery, card: EncoderCard, probes: Sequence[Features], wish: Wish, status: IndexStatus
    ) -> Sequence[Hit]:
        limit = max(CANDIDATES, HITS_A_RESULT * query.top_k)
        if wish != Wish():
            limit *= FURTHER
        wanted = RegionQuery(
            probes=tuple(probe.embedding for probe in probes),
            limit=limit,
            model=card.model,
            nodes=taxonomy().below(query.category) if query.category is not None else (),
            only=query.only,
            words=wish.words,
        )
        with watch.stage("search"), patience(NEED_S):
            likeliest = () if wanted.nodes or wanted.words else _likeliest(probes, card, status)
            if likeliest:
                hits = self._catalogue.search(replace(wanted, nodes=likeliest))
                if category_first.found_enough(hits, query.top_k):
                    return hits
            hits = self._catalogue.search(wanted)
            all_there_is = len(hits) < limit * len(probes)
            if not all_there_is and len({hit.product_id for hit in hits}) <= query.top_k:
                hits = self._catalogue.search(replace(wanted, limit=limit * DEEPER))
        return hits

    def _answer(self, watch: Stopwatch, query: SearchQuery, known: Known, lacks: Lacks) -> SearchAnswer:
        """Rank what was found; always anew, for weights change at any time."""
        sight = known.sight
        with watch.stage("rank"):
            groups: Mapping[str, str] = {}
            if self._copies is not None and sight.hits and not lacks.lacking(Lack.COPIES):
                with lacks.without(Lack.COPIES):
                    groups = self._copies.groups(sight.hits)
            asked = _ranking_query(query, sight.probes, lexicon().wish(query.text))
            ranking = self._ranked(replace(asked, copies=sight.copies, groups=groups), sight.hits, known.card, lacks)
        metrics.SEARCHES.labels(ranking.verdict.value).inc()
        return SearchAnswer(
            request_id=uuid.uuid4().hex,
            model=known.card.model,
            index=known.status,
            regions=sight.found,
            region=sight.chosen,
            ranking=ranking,
            timings_ms=watch.timings_ms(),
            degraded=lacks.told(),
        )

    def _ranked(self, query: RankingQuery, hits: Sequence[Hit], card: EncoderCard, lacks: Lacks) -> Ranking:
        with lacks.without(Lack.RANKING):
            return self._ranker.rank(query, hits)
        return by_looks(query, hits, card)


def _likeliest(probes: Sequence[Features], card: EncoderCard, status: IndexStatus) -> tuple[str, ...]:
    """The kinds to look among first; none where everything is looked among."""
    if status.items < category_first.FROM_ITEMS:
        return ()
    return category_first.sure_nodes(probes, card.categories, taxonomy())


def _ranking_query(query: SearchQuery, probes: tuple[Features, ...], wish: Wish) -> RankingQuery:
    return RankingQuery(probes=probes, category=query.category, weights=query.weights, top_k=query.top_k, explain=query.explain, wish=wish)


def _of_probe(hits: Sequence[Hit], number: int) -> list[Hit]:
    """The hits of one probe, as of a query that has no other."""
    return [replace(hit, probe=0) for hit in hits if hit.probe == number]


def _group(category: str | None) -> str | None:
    return None if category is None else taxonomy().group(category)


def _probe_boxes(drawn: Box | None, found: Sequence[Region], chosen: int) -> tuple[Box, ...]:
    """A box that the shopper drew is all that is meant; else the frame gives the context and the region the object."""
    if drawn is not None:
        return (drawn,)
    if not found or attention.is_whole(found[chosen].box):
        return (WHOLE_FRAME,)
    return (WHOLE_FRAME, found[chosen].box)
