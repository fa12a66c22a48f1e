"""Hits, 200 of them for each search, on their way to the gateway and on to the ranker.

They travel in columns (``HitTable``), with what they share said once. A message for each hit, half as quick, is what the
catalogue answers callers that do not know the columns, and what the ranker takes from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from shoplens.api.catalogue.v1 import catalogue_pb2, product_pb2
from shoplens.domain import Box, Hit, ProductDetails
from shoplens.errors import InvalidArgument
from shoplens.rpc.convert.packing import pack_vector, unpack_vector
from shoplens.rpc.convert.pictures import pack_box, unpack_box
from shoplens.rpc.convert.products import pack_details, unpack_details


def pack_table(hits: Sequence[Hit]) -> catalogue_pb2.HitTable:
    """In order."""
    products: dict[tuple[str, str, int], int] = {}
    pictures: dict[tuple[int, str, str], int] = {}
    table = catalogue_pb2.HitTable()
    picture = []
    for hit in hits:
        shared = (hit.product_id, hit.node, id(hit.details))
        product = products.get(shared)
        if product is None:
            product = products[shared] = len(products)
            table.products.add(product_id=hit.product_id, node=hit.node, details=pack_details(hit.details))
        seen = (product, hit.image_id, hit.content_hash)
        place = pictures.get(seen)
        if place is None:
            place = pictures[seen] = len(pictures)
            table.pictures.add(product=product, image_id=hit.image_id, content_hash=hit.content_hash)
        picture.append(place)
    table.picture.extend(picture)
    table.probe.extend([hit.probe for hit in hits])
    table.similarity.extend([hit.similarity for hit in hits])
    table.box.extend([side for hit in hits for side in hit.box.as_tuple()])
    table.colour.extend([pack_vector(hit.colour) for hit in hits])
    if any(hit.words is not None for hit in hits):
        table.words.extend([math.nan if hit.words is None else hit.words for hit in hits])
    return table


def unpack_table(table: catalogue_pb2.HitTable) -> list[Hit]:
    """In order. Raises ``InvalidArgument`` for columns that do not fit together."""
    products = [(each.product_id, each.node, unpack_details(each.details)) for each in table.products]
    words = [None if math.isnan(each) else each for each in table.words] or [None] * len(table.picture)
    sides = iter(table.box)
    try:
        pictures = [(each.image_id, each.content_hash, *products[each.product]) for each in table.pictures]
        boxes = [Box(*four) for four in zip(sides, sides, sides, sides, strict=True)]
        hits = []
        for place, probe, similarity, box, colour, fit in zip(
            table.picture, table.probe, table.similarity, boxes, table.colour, words, strict=True
        ):
            image_id, content_hash, product_id, node, details = pictures[place]
            hits.append(Hit(probe, product_id, image_id, similarity, box, node, unpack_vector(colour), content_hash, details, fit))
        return hits
    except (ValueError, IndexError) as error:
        raise InvalidArgument(f"The columns of the hits do not fit together: {error}.") from error


def pack_hits(hits: Sequence[Hit]) -> list[catalogue_pb2.Hit]:
    """In order. A product is hit many times; its details, which are half of the work, are packed once."""
    packed: dict[int, product_pb2.ProductDetails] = {}
    for hit in hits:
        if id(hit.details) not in packed:
            packed[id(hit.details)] = pack_details(hit.details)
    return [_pack_hit(hit, packed[id(hit.details)]) for hit in hits]


def _pack_hit(hit: Hit, details: product_pb2.ProductDetails) -> catalogue_pb2.Hit:
    return catalogue_pb2.Hit(
        probe=hit.probe,
        product_id=hit.product_id,
        image_id=hit.image_id,
        similarity=hit.similarity,
        box=pack_box(hit.box),
        node=hit.node,
        colour=pack_vector(hit.colour),
        content_hash=hit.content_hash,
        details=details,
        words=hit.words,
    )


def unpack_hits(messages: Iterable[catalogue_pb2.Hit]) -> list[Hit]:
    """In order. Details that say the same are unpacked once."""
    unpacked: dict[bytes, ProductDetails] = {}
    hits = []
    for message in messages:
        told = message.details.SerializeToString()
        if told not in unpacked:
            unpacked[told] = unpack_details(message.details)
        hits.append(_unpack_hit(message, unpacked[told]))
    return hits


def _unpack_hit(message: catalogue_pb2.Hit, details: ProductDetails) -> Hit:
    return Hit(
        probe=message.probe,
        product_id=message.product_id,
        image_id=message.image_id,
        similarity=message.similarity,
        box=unpack_box(message.box),
        node=message.node,
        colour=unpack_vector(message.colour),
        content_hash=message.content_hash,
        details=details,
        words=message.words if message.HasField("words") else None,
    )
