"""The collections in Milvus, their fields and their indexes.

``meta``      one row: which model's vectors the index holds, and which collection they are in. (Aliases would say it,
              but Milvus Lite has none.)
``products``  the truth: a row for each write, the product whole as JSON. The highest id of a product is what it is.
``images_…``  a row for each region of each image, named by the model: vector, taxonomy node, the first id of its product's
              rows (``base``), box and colour. A filter becomes a list of bases, see :mod:`services.catalogue.lookup`.

Every id is an int64 drawn from one rising sequence, and no row is ever changed in place; so an id says all that a later
call needs, no product id ever enters a filter expression, and whatever is cached by id stays true.

Products carry no vectors of their own, but Milvus wants one in every collection: ``stub``, two numbers wide.

The index is exact (``FLAT``) in Milvus Lite and HNSW on a server. Lite 2.5 has IVF_FLAT too, but keeps every row in a
growing segment, whose interim index ignores ``nlist`` and ``nprobe``: at 100k rows of 192 it answers in 1–2 ms with a
recall@20 of 0.95, and of 0.43 where a filter keeps one row in 300; ``FLAT`` takes 7 ms, 4 ms where a filter keeps a
third, 1.5 ms where it keeps one in 300, and misses nothing. Cosine (14 ms), L2 (10 ms) and float16 (60 ms) are slower
than the inner product of float32, which is the same for unit vectors; two or four collections asked at once are slower
than one on two cores.

A server's growing segments (rows of the last minutes) have the same interim index: recall@20 0.66 and recall@200 0.21
where a filter keeps one row in 300. Its configuration should say ``queryNode.segcore.interimIndex.enableIndex: false``,
which makes that search exact (1.00, measured).
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from pymilvus import CollectionSchema, DataType, MilvusClient
from pymilvus.milvus_client import IndexParams

from shoplens.domain import EncoderCard

META = "meta"
PRODUCTS = "products"
STUB: list[float] = [0.0, 1.0]
TEXT_BYTES = 65_535
"""The longest VARCHAR that Milvus takes."""
PRODUCT_ID_BYTES = 256
LOG_BYTES = 512
"""The longest name of a log: a topic's has 249 bytes at most."""

HNSW_BUILD: dict[str, Any] = {"M": 16, "efConstruction": 200}


def images(card: EncoderCard) -> str:
    """The collection of a model's vectors; Milvus allows letters, digits and underscores."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", card.model)[:64]
    return f"images_{plain}_{hashlib.sha256(card.model.encode()).hexdigest()[:8]}"


def search_params(*, embedded: bool, limit: int, filtered: bool) -> dict[str, Any]:
    """How hard to look. HNSW's ``ef`` must reach the limit; a filter needs more, for it hides neighbours from the graph."""
    if embedded:
        return {}
    return {"ef": max(256 if filtered else 128, 2 * limit)}


def meta_schema() -> tuple[CollectionSchema, IndexParams]:
    schema = _schema()
    schema.add_field("record", DataType.VARCHAR, max_length=TEXT_BYTES)
    return _with_stub(schema)


def products_schema() -> tuple[CollectionSchema, IndexParams]:
    """``base`` and ``rows``: the ids of the product's image rows are ``base … base + rows − 1``.

    ``log`` and ``offset``: where the last event stood that changed the product; empty and −1 where none did.
    """
    schema = _schema()
    schema.add_field("product_id", DataType.VARCHAR, max_length=PRODUCT_ID_BYTES)
    schema.add_field("version", DataType.INT64)
    schema.add_field("deleted", DataType.BOOL)
    schema.add_field("base", DataType.INT64)
    schema.add_field("rows", DataType.INT64)
    schema.add_field("pictures", DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field("document", DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field("log", DataType.VARCHAR, max_length=LOG_BYTES)
    schema.add_field("offset", DataType.INT64)
    return _with_stub(schema)


def images_schema(card: EncoderCard, *, embedded: bool) -> tuple[CollectionSchema, IndexParams]:
    schema = _schema()
    schema.add_field("node", DataType.INT64)  # expressions.number_of(node)
    schema.add_field("base", DataType.INT64)
    schema.add_field("category", DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field("record", DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field("posterior", DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=card.embedding_width)
    index = MilvusClient.prepare_index_params()
    kind, build = ("FLAT", {}) if embedded else ("HNSW", HNSW_BUILD)
    index.add_index("embedding", index_type=kind, metric_type="IP", params=build)
    return schema, index


def _schema() -> CollectionSchema:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    return schema


def _with_stub(schema: CollectionSchema) -> tuple[CollectionSchema, IndexParams]:
    schema.add_field("stub", DataType.FLOAT_VECTOR, dim=len(STUB))
    index = MilvusClient.prepare_index_params()
    index.add_index("stub", index_type="FLAT", metric_type="IP")
    return schema, index
