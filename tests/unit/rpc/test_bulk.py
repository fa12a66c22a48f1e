"""A stream of products: an outcome for each, in order, even for those that never leave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shoplens.api.ingest.v1 import ingest_pb2
from shoplens.domain import ImageSource, ImportOutcome, ProductDetails, ProductDraft
from shoplens.rpc import bulk
from shoplens.rpc.bulk import put_in_bulk


def draft(name: str, *, version: int | None = None, size: int = 1) -> ProductDraft:
    return ProductDraft(name, ProductDetails(), (ImageSource("1", content=b"x" * size),), version)


def accepting(requests: Iterator[ingest_pb2.PutProductsRequest]) -> Iterator[ingest_pb2.PutProductsResponse]:
    for request in requests:
        yield ingest_pb2.PutProductsResponse(product_id=request.draft.id, ok=True)


def reading_ahead(requests: Iterator[ingest_pb2.PutProductsRequest]) -> Iterator[ingest_pb2.PutProductsResponse]:
    return accepting(iter(list(requests)))


@pytest.mark.parametrize("stream", [accepting, reading_ahead])
def test_what_cannot_be_sent_is_answered_in_its_place(stream: bulk.Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MAX_MESSAGE_BYTES", 1_000)
    unsendable = draft("much", version=2**63), draft("large", size=2_000)
    drafts = [unsendable[0], draft("a"), *unsendable, draft("b"), unsendable[1]]
    outcomes = list(put_in_bulk(stream, drafts))
    assert [outcome.product_id for outcome in outcomes] == ["much", "a", "much", "large", "b", "large"]
    assert [outcome.ok for outcome in outcomes] == [False, True, False, False, True, False]


@pytest.mark.parametrize("stream", [accepting, reading_ahead])
def test_a_failing_iterable_is_told_after_the_outcomes_before_it(stream: bulk.Stream) -> None:
    def drafts() -> Iterator[ProductDraft]:
        yield draft("a")
        raise LookupError("line 2")

    outcomes = put_in_bulk(stream, drafts())
    assert next(outcomes) == ImportOutcome("a", ok=True)
    with pytest.raises(LookupError, match="line 2"):
        next(outcomes)
