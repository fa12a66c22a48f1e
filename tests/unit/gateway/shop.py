"""A small shop in memory: the ports that the HTTP gateway stands on, and pictures to send it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
from PIL import Image

from shoplens.domain import (
    WHOLE_FRAME,
    AttributeGuess,
    Box,
    CategoryGuess,
    Change,
    Contribution,
    Copy,
    CopyMatch,
    CopyQuery,
    Features,
    Hit,
    ImageHolder,
    ImageSource,
    ImportOutcome,
    Impression,
    IndexedImage,
    IndexStatus,
    Lack,
    Look,
    LookRow,
    Product,
    ProductDetails,
    ProductDraft,
    ProductImage,
    ProductPage,
    ProductPatch,
    Ranking,
    Reaction,
    Region,
    RegionQuery,
    Result,
    Scores,
    SearchAnswer,
    SearchQuery,
    StoredPicture,
    Variant,
    Verdict,
)
from shoplens.errors import ForbiddenAddress, NotFound, ShoplensError
from shoplens.filters import facts, matches
from shoplens.images import content_hash, decode, media_type

NOW = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
REGIONS = (
    Region(Box(0.2, 0.05, 0.8, 0.5), "top", 0.93),
    Region(Box(0.25, 0.45, 0.75, 0.85), "pants", 0.88),
    Region(Box(0.3, 0.85, 0.7, 1.0), "shoes", 0.61),
)


def picture(width: int = 60, height: int = 80, colour: tuple[int, ...] = (200, 40, 40), kind: str = "JPEG", mode: str = "RGB") -> bytes:
    """A plain picture's file."""
    encoded = BytesIO()
    Image.new(mode, (width, height), colour).save(encoded, kind)
    return encoded.getvalue()


@dataclass
class Shop:
    """Search, ingest and catalogue in one. Set ``failure`` and every call raises it; ``meanwhile`` runs inside each search.

    copied: whether every picture of the shop is a copy of what is asked, mirrored, or none is.
    swatches: whether the first result stands for the next three, too. degraded: what every answer lacks.
    """

    products: dict[str, Product] = field(default_factory=dict)
    pictures: dict[tuple[str, str], bytes] = field(default_factory=dict)
    queries: list[SearchQuery] = field(default_factory=list)
    deletions: list[tuple[str, int | None]] = field(default_factory=list)
    copy_queries: list[CopyQuery] = field(default_factory=list)
    impressions: list[Impression] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    failure: Exception | None = None
    copied: bool = True
    swatches: bool = False
    degraded: tuple[Lack, ...] = ()
    meanwhile: Callable[[], object] = lambda: None

    def search(self, query: SearchQuery) -> SearchAnswer:
        self._fail()
        self.queries.append(query)
        self.meanwhile()
        if query.product_id is not None:
            return self._like(query.product_id, query)
        assert query.picture is not None
        assert query.picture.pixels.size
        regions = (Region(query.box, "top", 0.7),) if query.box is not None else REGIONS
        return self._answer(self._wanted(query), query.top_k, regions)

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        self._fail()
        return self._like(product_id, SearchQuery(product_id=product_id, top_k=top_k))

    def _like(self, product_id: str, query: SearchQuery) -> SearchAnswer:
        self.get(product_id)
        others = [each for each in self._wanted(query) if each.id != product_id]
        return self._answer(others, query.top_k, (Region(WHOLE_FRAME, "top", 0.9),))

    def _wanted(self, query: SearchQuery) -> list[Product]:
        return [each for each in self.products.values() if query.only is None or matches(query.only, facts(each))]

    def look(self, query: SearchQuery) -> Look:
        self._fail()
        self.queries.append(query)
        answer = self._answer(self._wanted(query), query.top_k, REGIONS)
        rows = tuple(LookRow(region, answer.ranking) for region in REGIONS)
        return Look(answer.request_id, answer.model, answer.index, rows, answer.timings_ms, self.degraded)

    def _answer(self, products: Sequence[Product], top_k: int, regions: tuple[Region, ...]) -> SearchAnswer:
        results = tuple(
            _result(product, place, products[1:4] if self.swatches and not place else ()) for place, product in enumerate(products[:top_k])
        )
        verdict = Verdict.SAME_PRODUCT if results else Verdict.NO_MATCH
        guesses = (CategoryGuess("t-shirt", 0.72), CategoryGuess("shirt", 0.18), CategoryGuess("sweater", 0.06))
        read = (AttributeGuess("gender", "women", 0.9), AttributeGuess("season", "summer", 0.6))
        ranking = Ranking(guesses, verdict, results, read)
        return SearchAnswer("engine", "tiny-1", self.status(), regions, 0, ranking, {"detect": 1.5, "encode": 2.5}, self.degraded)

    def copies(self, query: CopyQuery) -> Sequence[CopyMatch]:
        self._fail()
        self.copy_queries.append(query)
        change = Change(flipped=True, overlap=0.8, query_overlap=0.5, affine=((-1.0, 0.0, 1.0), (0.0, 1.0, 0.0)), amount=0.4)
        images = [(product.id, image) for product in self.products.values() for image in product.images]
        matches = [CopyMatch(ImageHolder(product_id, image), Copy(image.content_hash, 0.97, change)) for product_id, image in images]
        return matches[: query.top_k] if self.copied else []

    def put(self, draft: ProductDraft) -> Product:
        self._fail()
        stored = self.products.get(draft.id)
        if stored is not None and draft.version is not None and draft.version <= stored.version:
            return stored
        images = []
        for image in draft.images:
            content = image.content or b""
            seen = decode(content)
            media_type(content)
            self.pictures[draft.id, image.id] = content
            images.append(ProductImage(image.id, content_hash(content), seen.width, seen.height))
        version = draft.version if draft.version is not None else (stored.version + 1 if stored else 1)
        self.products[draft.id] = Product(draft.id, draft.details, tuple(images), version, "t-shirt", NOW)
        return self.products[draft.id]

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        waiting = list(drafts)  # reads ahead, as an ingest that works in batches does
        for draft in waiting:
            try:
                self.put(draft)
                yield ImportOutcome(draft.id, ok=True)
            except ShoplensError as error:
                yield ImportOutcome(draft.id, ok=False, error=error.message)

    def patch(self, patch: ProductPatch) -> Product:
        product = self.get(patch.id)
        if patch.version is not None and patch.version <= product.version:
            return product
        self.products[patch.id] = replace(product, details=replace(product.details, **patch.changes), version=product.version + 1)
        return self.products[patch.id]

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        self.deletions.append((product_id, version))
        if version is None:
            self.get(product_id)
        self.products.pop(product_id, None)

    def get(self, product_id: str) -> Product:
        self._fail()
        if product_id not in self.products:
            raise NotFound(f"There is no product {product_id!r}.")
        return self.products[product_id]

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        self._fail()
        ids = sorted(each for each in self.products if each > token)
        return ProductPage(tuple(self.products[each] for each in ids[:size]), ids[size - 1] if len(ids) > size else "")

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        content = self.pictures.get((product_id, image_id))
        if content is None:
            raise NotFound(f"The product {product_id!r} has no picture {image_id!r}.")
        return StoredPicture(content, media_type(content))

    def status(self) -> IndexStatus:
        return IndexStatus("tiny-1.3", len(self.pictures), len(self.products), NOW, ready=True)

    def fetch(self, address: str, /) -> bytes:
        if "private" in address:
            raise ForbiddenAddress("This address is inside a private network; send the picture itself.")
        return picture()

    def shown(self, impression: Impression) -> None:
        self.impressions.append(impression)

    def reacted(self, reaction: Reaction) -> None:
        self._fail()
        self.reactions.append(reaction)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass
class ShopCatalogue:
    """The catalogue's side of a shop, whose ``search`` and ``put`` mean other things than the shop's."""

    shop: Shop

    def put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, model: str) -> Product:
        raise NotImplementedError

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> Product:
        return self.shop.patch(patch)

    def get(self, product_id: str) -> Product:
        return self.shop.get(product_id)

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        self.shop.delete(product_id, version=version)

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        return self.shop.page(size=size, token=token)

    def features(self, product_id: str) -> Sequence[Features]:
        raise NotImplementedError

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        return self.shop.picture(product_id, image_id)

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        raise NotImplementedError

    def status(self) -> IndexStatus:
        return self.shop.status()


def _result(product: Product, place: int, variants: Sequence[Product] = ()) -> Result:
    visual = max(0.0, 0.9 - 0.1 * place)
    return Result(
        product_id=product.id,
        image_id=product.images[0].id,
        node=product.node,
        score=visual,
        scores=Scores(visual=visual, category=0.8, colour=None),
        details=product.details,
        variants=tuple(Variant(each.id, each.images[0].id, each.details.title, "") for each in variants),
        explanation=(Contribution("visual", 0.75, visual), Contribution("category", 0.25, visual)),
    )


def draft(product_id: str, **details: object) -> ProductDraft:
    """A product with one plain picture."""
    tint = int(np.frombuffer(product_id.encode().ljust(3, b"x")[:3], np.uint8).sum()) % 256
    source = ImageSource("front", content=picture(colour=(tint, 120, 255 - tint)))
    return ProductDraft(product_id, ProductDetails(**{"title": product_id, **details}), (source,))  # type: ignore[arg-type]
