"""Pictures that the catalogue shows and the finder of copies does not know are made known, in the background.

There are such pictures where a catalogue is older than its finder of copies, where a finder was away while products were written,
where more came at once than it was told of, and where a new model signs anew. Nothing waits for this, and a stop in the middle
costs only what was under way.
"""

from __future__ import annotations

import threading

from shoplens import priorities
from shoplens.domain import Product
from shoplens.errors import NotFound
from shoplens.images import decode
from shoplens.ports import CatalogueReader, Copies

_PAGE = 200


def catch_up(catalogue: CatalogueReader, copies: Copies, stop: threading.Event) -> int:
    """Make known what is not, product by product; how many pictures that were. Raises what the ports raise."""
    added, token = 0, ""
    while not stop.is_set():
        page = catalogue.page(size=_PAGE, token=token)
        missing = set(copies.missing([image.content_hash for product in page.products for image in product.images]))
        for product in page.products:
            if stop.is_set():
                return added
            added += _add(catalogue, copies, product, missing)
        token = page.next_token
        if not token:
            break
    return added


def _add(catalogue: CatalogueReader, copies: Copies, product: Product, missing: set[str]) -> int:
    added = 0
    for image in product.images:
        if image.content_hash not in missing:
            continue
        try:
            with priorities.bulk():
                copies.add(decode(catalogue.picture(product.id, image.id).content))
        except NotFound:
            continue  # deleted or replaced meanwhile
        missing.discard(image.content_hash)
        added += 1
    return added
