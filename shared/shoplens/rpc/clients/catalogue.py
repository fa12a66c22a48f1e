"""The catalogue over gRPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from shoplens.api.catalogue.v1 import catalogue_pb2, catalogue_pb2_grpc
from shoplens.domain import (
    Features,
    Hit,
    ImageHolder,
    IndexedImage,
    IndexStatus,
    PreparedPatch,
    PreparedPut,
    Product,
    ProductDraft,
    ProductPage,
    ProductPatch,
    RegionQuery,
    StoredPicture,
    Write,
    WriteOutcome,
)
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.features import unpack_features
from shoplens.rpc.convert.hits import unpack_hits, unpack_table
from shoplens.rpc.convert.index import pack_region_query, unpack_holder, unpack_page, unpack_status
from shoplens.rpc.convert.packing import pack_moment, packing
from shoplens.rpc.convert.products import unpack_product
from shoplens.rpc.convert.writes import pack_patch, pack_put, unpack_outcome, write_requests
from shoplens.rpc.identity import Identity


class CatalogueClient(Client):
    """Implements ``ports.Catalogue``."""

    part = "catalogue"
    service = catalogue_pb2.DESCRIPTOR.services_by_name["CatalogueService"]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        super().__init__(target, identity)
        self._stub = catalogue_pb2_grpc.CatalogueServiceStub(self._channel)

    def put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, model: str) -> Product:
        with packing():
            request = pack_put(PreparedPut(draft, node, tuple(images), model))
        return self._ask(self._stub.PutProduct, request, lambda answer: unpack_product(answer.product))

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> Product:
        with packing():
            request = pack_patch(PreparedPatch(patch, node))
        return self._ask(self._stub.PatchProduct, request, lambda answer: unpack_product(answer.product))

    def apply(self, writes: Sequence[Write]) -> Sequence[WriteOutcome]:
        """In messages of a size that passes; where a later one fails, the earlier ones are in effect."""
        outcomes: list[WriteOutcome] = []
        with packing():
            requests = list(write_requests(writes))
        for request in requests:
            outcomes += self._ask(self._stub.ApplyWrites, request, lambda answer: [unpack_outcome(outcome) for outcome in answer.outcomes])
        return outcomes

    def mark_fresh(self, marks: Mapping[str, datetime]) -> None:
        with packing():
            request = catalogue_pb2.MarkFreshRequest(marks={log: pack_moment(moment) for log, moment in marks.items()})
        self._call(self._stub.MarkFresh, request)

    def get(self, product_id: str) -> Product:
        with packing():
            request = catalogue_pb2.GetProductRequest(id=product_id)
        return self._ask(self._stub.GetProduct, request, lambda answer: unpack_product(answer.product))

    def delete(self, product_id: str) -> None:
        with packing():
            request = catalogue_pb2.DeleteProductRequest(id=product_id)
        self._call(self._stub.DeleteProduct, request)

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        with packing():
            request = catalogue_pb2.ListProductsRequest(page_size=size, page_token=token)
        return self._ask(self._stub.ListProducts, request, unpack_page)

    def features(self, product_id: str) -> Sequence[Features]:
        with packing():
            request = catalogue_pb2.GetFeaturesRequest(product_id=product_id)
        return self._ask(self._stub.GetFeatures, request, lambda answer: [unpack_features(features) for features in answer.features])

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        with packing():
            request = catalogue_pb2.GetPictureRequest(product_id=product_id, image_id=image_id)
        return self._ask(self._stub.GetPicture, request, lambda answer: StoredPicture(answer.content, answer.media_type))

    def holders(self, content_hashes: Sequence[str]) -> Mapping[str, Sequence[ImageHolder]]:
        with packing():
            request = catalogue_pb2.FindHoldersRequest(content_hashes=content_hashes)
        found: dict[str, list[ImageHolder]] = {}
        for holder in self._ask(self._stub.FindHolders, request, lambda answer: [unpack_holder(each) for each in answer.holders]):
            found.setdefault(holder.image.content_hash, []).append(holder)
        return found

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        with packing():
            request = pack_region_query(query)
        return self._ask(self._stub.SearchRegions, request, lambda answer: [*unpack_hits(answer.hits), *unpack_table(answer.table)])

    def status(self) -> IndexStatus:
        return self._ask(self._stub.GetStatus, catalogue_pb2.GetStatusRequest(), lambda answer: unpack_status(answer.status))
