"""Many products over one stream, with an outcome for each, in order, even for those that cannot be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from shoplens.api.ingest.v1 import ingest_pb2
from shoplens.domain import ImportOutcome, ProductDraft
from shoplens.errors import InvalidArgument
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.products import pack_draft
from shoplens.rpc.limits import MAX_MESSAGE_BYTES

Stream = Callable[[Iterator[ingest_pb2.PutProductsRequest]], Iterable[ingest_pb2.PutProductsResponse]]


class _Outbox:
    """The requests of a stream. gRPC draws them in a thread of its own; what happens there is told in the caller's.

    refused: outcomes of drafts that cannot be sent, by their place. Each is there before a later request is sent.
    failure: what the caller's own iterable raised; nothing is sent after it.
    """

    def __init__(self, drafts: Iterable[ProductDraft]) -> None:
        self._drafts = drafts
        self.refused: dict[int, ImportOutcome] = {}
        self.failure: Exception | None = None

    def requests(self) -> Iterator[ingest_pb2.PutProductsRequest]:
        try:
            for place, draft in enumerate(self._drafts):
                try:
                    request = _request(draft)
                except InvalidArgument as error:
                    self.refused[place] = ImportOutcome(draft.id, ok=False, error=error.message)
                else:
                    yield request
        except Exception as error:  # noqa: BLE001 - the caller's iterable may raise anything; it is raised again, by put_in_bulk
            self.failure = error


def put_in_bulk(stream: Stream, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
    """Send the drafts, and yield what became of each. What the iterable raises is raised after the outcomes of those before."""
    outbox = _Outbox(drafts)
    place = 0
    for answer in stream(outbox.requests()):
        while place in outbox.refused:
            yield outbox.refused.pop(place)
            place += 1
        yield ImportOutcome(answer.product_id, answer.ok, answer.error)
        place += 1
    yield from (outbox.refused[rest] for rest in sorted(outbox.refused))
    if outbox.failure is not None:
        raise outbox.failure


def _request(draft: ProductDraft) -> ingest_pb2.PutProductsRequest:
    with packing():
        request = ingest_pb2.PutProductsRequest(draft=pack_draft(draft))
    if request.ByteSize() > MAX_MESSAGE_BYTES:
        raise InvalidArgument(f"The product is larger than {MAX_MESSAGE_BYTES >> 20} MiB; send fewer or smaller pictures.")
    return request
