"""The write path and the read path, each in its simplest form over other parts, fake or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from shoplens.domain import (
    WHOLE_FRAME,
    Features,
    ImageSource,
    ImportOutcome,
    IndexedImage,
    IndexedRegion,
    Look,
    LookRow,
    Product,
    ProductDeletion,
    ProductDraft,
    ProductImage,
    ProductPatch,
    RankingQuery,
    Region,
    RegionQuery,
    SearchAnswer,
    SearchQuery,
    Write,
)
from shoplens.errors import InvalidArgument, ShoplensError, Unavailable
from shoplens.images import decode, media_type
from shoplens.ports import Catalogue, Encoder, Ranker
from shoplens.taxonomy import taxonomy

_LIMIT = 50


class FakeIngest:
    """Implements ``ports.Ingest``: the whole frame alone, of pictures that come with the product."""

    def __init__(self, encoder: Encoder, catalogue: Catalogue) -> None:
        self._encoder = encoder
        self._catalogue = catalogue

    def put(self, draft: ProductDraft) -> Product:
        if not draft.images:
            raise InvalidArgument("A product is found by its pictures; send at least one.")
        node = taxonomy().guess(draft.details.category) or taxonomy().groups[0]
        images = [self._indexed(source) for source in draft.images]
        return self._catalogue.put(draft, node, images, model=self._encoder.card().model)

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        for draft in drafts:
            try:
                self.put(draft)
            except ShoplensError as error:
                yield ImportOutcome(draft.id, ok=False, error=error.message)
            else:
                yield ImportOutcome(draft.id, ok=True)

    def patch(self, patch: ProductPatch) -> Product:
        category = patch.changes.get("category")
        return self._catalogue.patch(patch, node=None if category is None else taxonomy().guess(category))

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        if version is None:
            self._catalogue.delete(product_id)
        else:
            self._catalogue.apply([Write(ProductDeletion(product_id, version))])

    def _indexed(self, source: ImageSource) -> IndexedImage:
        if source.content is None:
            raise Unavailable("This write path fetches nothing; send the picture itself.")
        picture = decode(source.content)
        image = ProductImage(
            source.id,
            picture.content_hash,
            picture.width,
            picture.height,
            source.uri,
            source.page_url,
            source.creator,
            source.published_at,
        )
        (features,) = self._encoder.encode(picture, [WHOLE_FRAME])
        return IndexedImage(image, source.content, media_type(source.content), (IndexedRegion(WHOLE_FRAME, "", features),))


class FakeSearch:
    """Implements ``ports.Search``: the drawn box, or the whole frame."""

    def __init__(self, encoder: Encoder, catalogue: Catalogue, ranker: Ranker) -> None:
        self._encoder = encoder
        self._catalogue = catalogue
        self._ranker = ranker

    def search(self, query: SearchQuery) -> SearchAnswer:
        if query.product_id is not None and query.picture is None:
            return self._answer(query, self._catalogue.features(query.product_id), without=query.product_id)
        if query.picture is None or query.product_id is not None:
            raise InvalidArgument("Send exactly one of a picture and a product_id.")
        return self._answer(query, self._encoder.encode(query.picture, [query.box or WHOLE_FRAME]))

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        return self.search(SearchQuery(product_id=product_id, top_k=top_k))

    def look(self, query: SearchQuery) -> Look:
        if query.picture is None or query.product_id is not None:
            raise InvalidArgument("Send a picture.")
        answer = self.search(replace(query, box=None, category=None))
        row = LookRow(answer.regions[0], answer.ranking)
        return Look(answer.request_id, answer.model, answer.index, (row,), answer.timings_ms)

    def _answer(self, query: SearchQuery, probes: Sequence[Features], without: str | None = None) -> SearchAnswer:
        model = self._encoder.card().model
        nodes = taxonomy().below(query.category) if query.category is not None else ()
        hits = self._catalogue.search(
            RegionQuery([probe.embedding for probe in probes], limit=max(_LIMIT, query.top_k), nodes=nodes, model=model, only=query.only)
        )
        others = [hit for hit in hits if hit.product_id != without]
        ranking = self._ranker.rank(RankingQuery(tuple(probes), query.category, dict(query.weights), query.top_k, query.explain), others)
        region = Region(query.box or WHOLE_FRAME, taxonomy().group(ranking.categories[0].name), 1.0)
        return SearchAnswer("fake", model, self._catalogue.status(), (region,), 0, ranking, {"total": 0.0})
