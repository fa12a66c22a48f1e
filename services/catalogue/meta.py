"""Which model an index was made for: one row beside the data, written last, so that an index is made whole or again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from services.catalogue import schema
from services.catalogue.connection import Milvus, Row
from shoplens.domain import EncoderCard
from shoplens.errors import FailedPrecondition

FORMAT = 4
"""Rises when rows change their shape; an older shoplens must not write into a newer index."""


@dataclass(frozen=True, slots=True)
class Meta:
    """model: ``EncoderCard.model``. images: the collection of its vectors. generation: how often it was built anew."""

    model: str
    images: str
    embedding_width: int
    generation: int = 1
    format: int = FORMAT


def settle_model(milvus: Milvus, card: EncoderCard) -> Meta:
    """Read what the index was made for, or make it for ``card``. Raises ``FailedPrecondition`` where it is another's."""
    meta = _read(milvus)
    if meta is None:
        meta = Meta(card.model, schema.images(card), card.embedding_width)
        _create(milvus, card, meta)
    if meta.format != FORMAT:
        raise FailedPrecondition(
            f"The index has format {meta.format} and this shoplens reads {FORMAT};"
            " run the version that made it, or import the products into a new index."
        )
    if (meta.model, meta.embedding_width) != (card.model, card.embedding_width):
        raise FailedPrecondition(
            f"The index {milvus.name} was made with the model {meta.model} and this encoder is {card.model};"
            f" run shoplens with {meta.model}, or open another, empty index and import the products again."
        )
    for name in (schema.PRODUCTS, meta.images):
        milvus.load(name)
    return meta


def _read(milvus: Milvus) -> Meta | None:
    if schema.META not in milvus.collections():
        return None
    milvus.load(schema.META)
    records: list[Row] = []
    milvus.scan(schema.META, ["id", "record"], records.extend)
    return Meta(**json.loads(max(records, key=lambda row: int(row["id"]))["record"])) if records else None


def _create(milvus: Milvus, card: EncoderCard, meta: Meta) -> None:
    there = milvus.collections()
    wanted = {
        schema.PRODUCTS: schema.products_schema(),
        meta.images: schema.images_schema(card, embedded=milvus.embedded is not None),
        schema.META: schema.meta_schema(),
    }
    for name, (fields, index) in wanted.items():
        if name not in there:
            milvus.create(name, fields, index)
    milvus.insert(schema.META, [{"id": 1, "record": json.dumps(asdict(meta)), "stub": schema.STUB}])
