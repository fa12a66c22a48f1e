"""The write path over gRPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import grpc

from shoplens import deadlines
from shoplens.api.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from shoplens.domain import ImportOutcome, Product, ProductDraft, ProductPatch
from shoplens.rpc.bulk import put_in_bulk
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.products import pack_changes, pack_draft, unpack_product
from shoplens.rpc.identity import Identity
from shoplens.rpc.status import unpack_error

BULK_S = 6 * 3600.0
"""What a bulk import may take where nobody set a deadline; it streams."""


class IngestClient(Client):
    """Implements ``ports.Ingest``."""

    part = "ingest"
    service = ingest_pb2.DESCRIPTOR.services_by_name["IngestService"]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        super().__init__(target, identity)
        self._stub = ingest_pb2_grpc.IngestServiceStub(self._channel)

    def put(self, draft: ProductDraft) -> Product:
        with packing():
            request = ingest_pb2.PutProductRequest(draft=pack_draft(draft))
        return self._ask(self._stub.PutProduct, request, lambda answer: unpack_product(answer.product))

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        timeout_s = deadlines.remaining_s(BULK_S)
        try:
            yield from put_in_bulk(lambda requests: self._stub.PutProducts(requests, timeout=timeout_s), drafts)
        except grpc.RpcError as error:
            raise unpack_error(error, self.part) from error

    def patch(self, patch: ProductPatch) -> Product:
        with packing():
            request = ingest_pb2.PatchProductRequest(id=patch.id, changes=pack_changes(patch.changes), version=patch.version)
        return self._ask(self._stub.PatchProduct, request, lambda answer: unpack_product(answer.product))

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        with packing():
            request = ingest_pb2.DeleteProductRequest(id=product_id, version=version)
        self._call(self._stub.DeleteProduct, request)
