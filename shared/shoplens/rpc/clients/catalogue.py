"""The catalogue over gRPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shoplens.api.catalogue.v1 import catalogue_pb2, catalogue_pb2_grpc
from shoplens.domain import (
    Features,
    Hit,
    ImageHolder,
    IndexedImage,
    IndexStatus,
    Product,
    ProductDraft,
    ProductPage,
    ProductPatch,
    StoredPicture,
    Vector,
)
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.features import unpack_features
from shoplens.rpc.convert.index import pack_indexed_image, unpack_hit, unpack_holder, unpack_page, unpack_status
from shoplens.rpc.convert.packing import pack_vector, packing
from shoplens.rpc.convert.products import pack_changes, pack_details, unpack_product


class CatalogueClient(Client):
    """Implements ``ports.Catalogue``."""

    part = "catalogue"
    service = catalogue_pb2.DESCRIPTOR.services_by_name["CatalogueService"]

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._stub = catalogue_pb2_grpc.CatalogueServiceStub(self._channel)

    def put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, model: str) -> Product:
        with packing():
            request = catalogue_pb2.PutProductRequest(
                id=draft.id,
                details=pack_details(draft.details),
                version=draft.version,
                node=node,
                images=[pack_indexed_image(image) for image in images],
                model=model,
            )
        return unpack_product(self._call(self._stub.PutProduct, request).product)

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> Product:
        with packing():
            request = catalogue_pb2.PatchProductRequest(id=patch.id, changes=pack_changes(patch.changes), version=patch.version, node=node)
        return unpack_product(self._call(self._stub.PatchProduct, request).product)

    def get(self, product_id: str) -> Product:
        with packing():
            request = catalogue_pb2.GetProductRequest(id=product_id)
        return unpack_product(self._call(self._stub.GetProduct, request).product)

    def delete(self, product_id: str) -> None:
        with packing():
            request = catalogue_pb2.DeleteProductRequest(id=product_id)
        self._call(self._stub.DeleteProduct, request)

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        with packing():
            request = catalogue_pb2.ListProductsRequest(page_size=size, page_token=token)
        return unpack_page(self._call(self._stub.ListProducts, request))

    def features(self, product_id: str) -> Sequence[Features]:
        with packing():
            request = catalogue_pb2.GetFeaturesRequest(product_id=product_id)
        return [unpack_features(features) for features in self._call(self._stub.GetFeatures, request).features]

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        with packing():
            request = catalogue_pb2.GetPictureRequest(product_id=product_id, image_id=image_id)
        answer = self._call(self._stub.GetPicture, request)
        return StoredPicture(answer.content, answer.media_type)

    def holders(self, content_hashes: Sequence[str]) -> Mapping[str, Sequence[ImageHolder]]:
        with packing():
            request = catalogue_pb2.FindHoldersRequest(content_hashes=content_hashes)
        found: dict[str, list[ImageHolder]] = {}
        for message in self._call(self._stub.FindHolders, request).holders:
            holder = unpack_holder(message)
            found.setdefault(holder.image.content_hash, []).append(holder)
        return found

    def search(self, probes: Sequence[Vector], *, limit: int, nodes: Sequence[str] = (), model: str) -> Sequence[Hit]:
        with packing():
            request = catalogue_pb2.SearchRegionsRequest(
                probes=[pack_vector(probe) for probe in probes], limit=limit, nodes=nodes, model=model
            )
        return [unpack_hit(hit) for hit in self._call(self._stub.SearchRegions, request).hits]

    def status(self) -> IndexStatus:
        return unpack_status(self._call(self._stub.GetStatus, catalogue_pb2.GetStatusRequest()).status)
