"""One index is brought in step with another: filling an empty one and repairing a full one are the same thing.

A pass reads both side by side and puts right what differs, the products' pictures from the first index, so neither the shop's feed
nor the net is needed. What is written meanwhile may be overtaken by an older state for a moment; the next pass puts that right, and a
pass that found nothing to do says that both are in step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import structlog

from shoplens import priorities
from shoplens.domain import ImageSource, Product, ProductDraft
from shoplens.errors import NotFound, ShoplensError
from shoplens.migration.differences import Difference, Kind, compared
from shoplens.ports import CatalogueReader, Ingest

MOST_TOLD: Final = 20

Wanted = Callable[[], bool]
"""Whether a pass is to go on."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Pass:
    """How far a pass is. total: what it will look at, about. failures: product and reason, the first twenty."""

    total: int = 0
    looked_at: int = 0
    put: int = 0
    deleted: int = 0
    failed: int = 0
    failures: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=MOST_TOLD))
    finished: bool = False

    @property
    def in_step(self) -> bool:
        """Whether the pass went through, and found both indexes alike."""
        return self.finished and not (self.put or self.deleted or self.failed)


def mend(source: CatalogueReader, target: CatalogueReader, ingest: Ingest, progress: Pass, *, wanted: Wanted) -> None:
    """Bring ``target``, which ``ingest`` writes, in step with ``source``. Ends early once it is no longer ``wanted``.

    Raises what reading the indexes raises; a product that cannot be written costs itself.
    """
    progress.total = source.status().products
    with priorities.bulk():
        for outcome in ingest.put_many(_drafts(source, target, ingest, progress, wanted)):
            if outcome.ok:
                progress.put += 1
            else:
                _failed(progress, outcome.product_id, outcome.error)
    progress.finished = wanted()


def _drafts(source: CatalogueReader, target: CatalogueReader, ingest: Ingest, progress: Pass, wanted: Wanted) -> Iterator[ProductDraft]:
    """What has to be put; what has to go is deleted on the way."""
    for each in compared(source, target):
        if not wanted():
            return
        progress.looked_at += 1
        if not isinstance(each, Difference):
            continue
        try:
            draft = _mended(each, source, ingest, progress)
        except ShoplensError as error:
            _failed(progress, each.product_id, str(error))
            continue
        if draft is not None:
            yield draft


def _mended(difference: Difference, source: CatalogueReader, ingest: Ingest, progress: Pass) -> ProductDraft | None:
    try:
        # Asked again: what the page said is some time ago.
        product = source.get(difference.product_id)
        theirs = difference.theirs
        if theirs is not None and theirs.version >= product.version and difference.kind is not Kind.EXTRA:
            # An equal version changes nothing, and a newer one keeps it out.
            _delete(ingest, product.id)
        return draft_of(product, source)
    except NotFound:
        if difference.kind is not Kind.MISSING:
            _delete(ingest, difference.product_id)
            progress.deleted += 1
        return None


def draft_of(product: Product, source: CatalogueReader) -> ProductDraft:
    """A product as a shop would send it, with the pictures that ``source`` keeps. Raises ``NotFound``."""
    images = tuple(
        ImageSource(
            image.id,
            content=source.picture(product.id, image.id).content,
            uri=image.uri,
            page_url=image.page_url,
            creator=image.creator,
            published_at=image.published_at,
        )
        for image in product.images
    )
    return ProductDraft(product.id, product.details, images, product.version)


def _delete(ingest: Ingest, product_id: str) -> None:
    try:
        ingest.delete(product_id)
    except NotFound:
        _log.debug("gone already", product_id=product_id)


def _failed(progress: Pass, product_id: str, reason: str) -> None:
    progress.failed += 1
    progress.failures.append((product_id, reason))
