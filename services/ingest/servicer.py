"""The write path over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import grpc

from shoplens.api.ingest.v1 import ingest_pb2 as pb
from shoplens.api.ingest.v1 import ingest_pb2_grpc
from shoplens.domain import ProductPatch
from shoplens.ports import Ingest
from shoplens.rpc.convert.products import pack_product, unpack_changes, unpack_draft
from shoplens.rpc.server import Mount


# ruff: noqa: ARG002, N802  gRPC names the methods and passes the context.
class IngestServicer(ingest_pb2_grpc.IngestServiceServicer):
    """Translates, and calls the port."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    def PutProduct(self, request: pb.PutProductRequest, context: grpc.ServicerContext) -> pb.PutProductResponse:
        return pb.PutProductResponse(product=pack_product(self._ingest.put(unpack_draft(request.draft))))

    def PutProducts(
        self, request_iterator: Iterator[pb.PutProductsRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.PutProductsResponse]:
        for outcome in self._ingest.put_many(unpack_draft(request.draft) for request in request_iterator):
            yield pb.PutProductsResponse(product_id=outcome.product_id, ok=outcome.ok, error=outcome.error)

    def PatchProduct(self, request: pb.PatchProductRequest, context: grpc.ServicerContext) -> pb.PatchProductResponse:
        version = request.version if request.HasField("version") else None
        product = self._ingest.patch(ProductPatch(request.id, unpack_changes(request.changes), version))
        return pb.PatchProductResponse(product=pack_product(product))

    def DeleteProduct(self, request: pb.DeleteProductRequest, context: grpc.ServicerContext) -> pb.DeleteProductResponse:
        self._ingest.delete(request.id, version=request.version if request.HasField("version") else None)
        return pb.DeleteProductResponse()


def mount(ingest: Ingest) -> Mount:
    """The write path's service, ready to be served."""
    name = pb.DESCRIPTOR.services_by_name["IngestService"].full_name
    return Mount(name, partial(ingest_pb2_grpc.add_IngestServiceServicer_to_server, IngestServicer(ingest)))
