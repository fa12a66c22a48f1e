"""Stand-ins for the parts that ingest works with; each does as little as its test needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shoplens.domain import (
    Box,
    EncoderCard,
    Features,
    Hit,
    IndexedImage,
    IndexStatus,
    Picture,
    PreparedPut,
    Product,
    ProductDraft,
    ProductPage,
    ProductPatch,
    Region,
    RegionQuery,
    StoredPicture,
    Write,
    WriteOutcome,
)
from shoplens.errors import FailedPrecondition, NotFound, ShoplensError
from shoplens.fetcher import Fetched, Validators

LEAVES = ("shirt", "dress", "bag")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def photo(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), (shade, 100, 200)).save(buffer, "PNG")
    return buffer.getvalue()


class Looking:
    """A detector that sees the same regions in every picture."""

    def __init__(self, regions: Sequence[Region] = ()) -> None:
        self.regions = regions
        self.calls = 0

    def model(self) -> str:
        return "looking-1"

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        self.calls += 1
        return self.regions


class Seeing:
    """An encoder whose category probabilities are given, a row a picture; the last row for good."""

    def __init__(self, categories: NDArray[np.float32] | None = None) -> None:
        self._rows: Iterator[NDArray[np.float32]] = iter([] if categories is None else categories)
        self._row = np.array([0.2, 0.7, 0.1], np.float32)

    def card(self) -> EncoderCard:
        return EncoderCard("double", "1", 4, 2, LEAVES)

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        self._row = next(self._rows, self._row)
        vector = np.full(4, 0.5, np.float32)
        return [Features(vector, self._row, np.array([1.0, 0.0], np.float32), picture.content_hash) for _ in boxes]


class Shelf:
    """A catalogue of what was put, in order."""

    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self.puts: list[str] = []
        self.patches: list[tuple[ProductPatch, str | None]] = []
        self.refused: set[str] = set()
        self.together: list[int] = []
        self.refuses_together: Exception | None = None

    def apply(self, writes: Sequence[Write]) -> Sequence[WriteOutcome]:
        self.together.append(len(writes))
        if self.refuses_together is not None:
            raise self.refuses_together
        return [self._applied(write) for write in writes]

    def _applied(self, write: Write) -> WriteOutcome:
        assert isinstance(write.change, PreparedPut)
        try:
            self.put(write.change.draft, write.change.node, write.change.images, model=write.change.model)
        except ShoplensError as error:
            return WriteOutcome(changed=False, error=error)
        return WriteOutcome(changed=True)

    def put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, model: str) -> Product:
        if draft.id in self.refused:
            raise FailedPrecondition("The index was made with another model; make it again.")
        assert model == "double-1"
        self.puts.append(draft.id)
        product = Product(draft.id, draft.details, tuple(image.image for image in images), draft.version or 1, node, NOW)
        self.products[draft.id] = product
        return product

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> Product:
        self.patches.append((patch, node))
        return self.get(patch.id)

    def get(self, product_id: str) -> Product:
        if product_id not in self.products:
            raise NotFound(f"There is no product {product_id!r}.")
        return self.products[product_id]

    def delete(self, product_id: str) -> None:
        self.get(product_id)
        del self.products[product_id]

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        return ProductPage(tuple(self.products.values()), "")

    def features(self, product_id: str) -> Sequence[Features]:
        return ()

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        raise NotFound("It keeps none.")

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        return ()

    def status(self) -> IndexStatus:
        return IndexStatus("double-1", len(self.products), len(self.products), NOW, True)


class Web:
    """Pictures by address; one may be held back until another was asked for."""

    def __init__(self, pages: dict[str, bytes | Exception]) -> None:
        self._pages = pages
        self.waits: dict[str, threading.Event] = {}
        self.asked: dict[str, threading.Event] = {uri: threading.Event() for uri in pages}

    def revisit(self, uri: str, validators: Validators) -> Fetched:
        self.asked[uri].set()
        if uri in self.waits:
            assert self.waits[uri].wait(30)
        page = self._pages[uri]
        if isinstance(page, Exception):
            raise page
        return Fetched(page)
