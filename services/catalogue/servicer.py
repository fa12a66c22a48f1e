"""The catalogue over gRPC."""

from __future__ import annotations

from functools import partial

import grpc

from shoplens.api.catalogue.v1 import catalogue_pb2 as pb
from shoplens.api.catalogue.v1 import catalogue_pb2_grpc
from shoplens.ports import Catalogue
from shoplens.rpc.convert.features import pack_features
from shoplens.rpc.convert.hits import pack_hits, pack_table
from shoplens.rpc.convert.index import pack_holder, pack_page, pack_status, unpack_region_query
from shoplens.rpc.convert.packing import unpack_moment
from shoplens.rpc.convert.products import pack_product
from shoplens.rpc.convert.writes import pack_outcome, unpack_patch, unpack_put, unpack_write
from shoplens.rpc.server import Mount

PAGE_SIZE = 100
"""Products on a page, where the request does not say."""


# ruff: noqa: ARG002, N802  gRPC names the methods and passes the context.
class CatalogueServicer(catalogue_pb2_grpc.CatalogueServiceServicer):
    """Translates, and calls the port."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def PutProduct(self, request: pb.PutProductRequest, context: grpc.ServicerContext) -> pb.PutProductResponse:
        put = unpack_put(request)
        return pb.PutProductResponse(product=pack_product(self._catalogue.put(put.draft, put.node, put.images, model=put.model)))

    def PatchProduct(self, request: pb.PatchProductRequest, context: grpc.ServicerContext) -> pb.PatchProductResponse:
        prepared = unpack_patch(request)
        return pb.PatchProductResponse(product=pack_product(self._catalogue.patch(prepared.patch, node=prepared.node)))

    def ApplyWrites(self, request: pb.ApplyWritesRequest, context: grpc.ServicerContext) -> pb.ApplyWritesResponse:
        outcomes = self._catalogue.apply([unpack_write(write) for write in request.writes])
        return pb.ApplyWritesResponse(outcomes=[pack_outcome(outcome) for outcome in outcomes])

    def MarkFresh(self, request: pb.MarkFreshRequest, context: grpc.ServicerContext) -> pb.MarkFreshResponse:
        self._catalogue.mark_fresh({log: unpack_moment(moment) for log, moment in request.marks.items()})
        return pb.MarkFreshResponse()

    def GetProduct(self, request: pb.GetProductRequest, context: grpc.ServicerContext) -> pb.GetProductResponse:
        return pb.GetProductResponse(product=pack_product(self._catalogue.get(request.id)))

    def DeleteProduct(self, request: pb.DeleteProductRequest, context: grpc.ServicerContext) -> pb.DeleteProductResponse:
        self._catalogue.delete(request.id)
        return pb.DeleteProductResponse()

    def ListProducts(self, request: pb.ListProductsRequest, context: grpc.ServicerContext) -> pb.ListProductsResponse:
        size = request.page_size if request.HasField("page_size") else PAGE_SIZE
        return pack_page(self._catalogue.page(size=size, token=request.page_token))

    def GetFeatures(self, request: pb.GetFeaturesRequest, context: grpc.ServicerContext) -> pb.GetFeaturesResponse:
        return pb.GetFeaturesResponse(features=[pack_features(each) for each in self._catalogue.features(request.product_id)])

    def GetPicture(self, request: pb.GetPictureRequest, context: grpc.ServicerContext) -> pb.GetPictureResponse:
        picture = self._catalogue.picture(request.product_id, request.image_id)
        return pb.GetPictureResponse(content=picture.content, media_type=picture.media_type)

    def FindHolders(self, request: pb.FindHoldersRequest, context: grpc.ServicerContext) -> pb.FindHoldersResponse:
        found = self._catalogue.holders(list(request.content_hashes))
        return pb.FindHoldersResponse(holders=[pack_holder(holder) for holders in found.values() for holder in holders])

    def SearchRegions(self, request: pb.SearchRegionsRequest, context: grpc.ServicerContext) -> pb.SearchRegionsResponse:
        hits = self._catalogue.search(unpack_region_query(request))
        if request.reads_table:
            return pb.SearchRegionsResponse(table=pack_table(hits))
        return pb.SearchRegionsResponse(hits=pack_hits(hits))

    def GetStatus(self, request: pb.GetStatusRequest, context: grpc.ServicerContext) -> pb.GetStatusResponse:
        return pb.GetStatusResponse(status=pack_status(self._catalogue.status()))


def mount(catalogue: Catalogue) -> Mount:
    """The catalogue's service, ready to be served."""
    name = pb.DESCRIPTOR.services_by_name["CatalogueService"].full_name
    return Mount(name, partial(catalogue_pb2_grpc.add_CatalogueServiceServicer_to_server, CatalogueServicer(catalogue)))
