"""The ports over gRPC: each client implements one, and raises the very errors that the engine behind it raised.

A call takes the time that :mod:`shoplens.deadlines` leaves it, or its own usual time where nobody set a deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shoplens import deadlines
from shoplens.api.catalogue.v1 import catalogue_pb2, catalogue_pb2_grpc
from shoplens.api.detector.v1 import detector_pb2, detector_pb2_grpc
from shoplens.api.encoder.v1 import encoder_pb2, encoder_pb2_grpc
from shoplens.api.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from shoplens.api.ranker.v1 import ranker_pb2, ranker_pb2_grpc
from shoplens.api.search.v1 import search_pb2, search_pb2_grpc
from shoplens.domain import (
    Box,
    EncoderCard,
    Features,
    Hit,
    ImportOutcome,
    IndexedImage,
    IndexStatus,
    Picture,
    Product,
    ProductDraft,
    ProductPage,
    ProductPatch,
    Ranking,
    RankingQuery,
    Region,
    SearchAnswer,
    SearchQuery,
    StoredPicture,
    Vector,
)
from shoplens.errors import Unavailable
from shoplens.rpc.bulk import put_in_bulk
from shoplens.rpc.channel import open_channel
from shoplens.rpc.convert.features import unpack_card, unpack_features
from shoplens.rpc.convert.index import pack_hit, pack_indexed_image, unpack_hit, unpack_page, unpack_status
from shoplens.rpc.convert.packing import pack_vector, packing
from shoplens.rpc.convert.pictures import pack_box, pack_picture, unpack_region
from shoplens.rpc.convert.products import pack_changes, pack_details, pack_draft, unpack_product
from shoplens.rpc.convert.rankings import pack_ranking_query, unpack_ranking
from shoplens.rpc.convert.searches import pack_query, unpack_answer
from shoplens.rpc.status import unpack_error

USUAL_S = 30.0
"""What a call may take where nobody set a deadline."""

BULK_S = 6 * 3600.0
"""The same for a bulk import, which streams."""

T = TypeVar("T")


class Client:
    """A connection to one service; ``close`` it, or use it as a context.

    The first call connects. A call to a service that is not there fails soon; who would rather wait says so.
    """

    part: ClassVar[str]
    service: ClassVar[ServiceDescriptor]

    def __init__(self, target: str) -> None:
        self._target = target
        self._channel = open_channel(target, self.service)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def probe(self) -> None:
        """Whether the service can do its work. Raises ``Unavailable``; fits ``dependencies`` of a server."""
        request = health_pb2.HealthCheckRequest(service=self.service.full_name)
        try:
            answer = self._health.Check(request, timeout=deadlines.remaining_s(2.0), wait_for_ready=False)
        except grpc.RpcError as error:
            raise Unavailable(f"The {self.part} cannot be reached.") from error
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable(f"The {self.part} is not ready.")

    def wait_until_serving(self) -> None:
        """Wait for the service, as long as the deadline allows. Raises ``Unavailable`` when it does not come."""
        request = health_pb2.HealthCheckRequest(service=self.service.full_name)
        updates = self._health.Watch(request, timeout=deadlines.remaining_s(USUAL_S), wait_for_ready=True)
        try:
            if not any(update.status == health_pb2.HealthCheckResponse.SERVING for update in updates):
                raise Unavailable(f"The {self.part} has stopped.")
        except grpc.RpcError as error:
            raise Unavailable(f"The {self.part} did not come; is it running at {self._target}?") from error
        finally:
            updates.cancel()

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _call(self, method: Callable[..., T], request: Any) -> T:
        try:
            return method(request, timeout=deadlines.remaining_s(USUAL_S))
        except grpc.RpcError as error:
            raise unpack_error(error, self.part) from error


class DetectorClient(Client):
    """Implements ``ports.Detector``."""

    part = "detector"
    service = detector_pb2.DESCRIPTOR.services_by_name["DetectorService"]

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._stub = detector_pb2_grpc.DetectorServiceStub(self._channel)

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        with packing():
            request = detector_pb2.DetectRequest(picture=pack_picture(picture), category=category)
        return [unpack_region(region) for region in self._call(self._stub.Detect, request).regions]


class EncoderClient(Client):
    """Implements ``ports.Encoder``."""

    part = "encoder"
    service = encoder_pb2.DESCRIPTOR.services_by_name["EncoderService"]

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._stub = encoder_pb2_grpc.EncoderServiceStub(self._channel)

    def card(self) -> EncoderCard:
        return unpack_card(self._call(self._stub.GetCard, encoder_pb2.GetCardRequest()).card)

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        with packing():
            request = encoder_pb2.EncodeRequest(picture=pack_picture(picture), boxes=[pack_box(box) for box in boxes])
        return [unpack_features(features) for features in self._call(self._stub.Encode, request).features]


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

    def search(self, probes: Sequence[Vector], *, limit: int, nodes: Sequence[str] = (), model: str) -> Sequence[Hit]:
        with packing():
            request = catalogue_pb2.SearchRegionsRequest(
                probes=[pack_vector(probe) for probe in probes], limit=limit, nodes=nodes, model=model
            )
        return [unpack_hit(hit) for hit in self._call(self._stub.SearchRegions, request).hits]

    def status(self) -> IndexStatus:
        return unpack_status(self._call(self._stub.GetStatus, catalogue_pb2.GetStatusRequest()).status)


class RankerClient(Client):
    """Implements ``ports.Ranker``."""

    part = "ranker"
    service = ranker_pb2.DESCRIPTOR.services_by_name["RankerService"]

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._stub = ranker_pb2_grpc.RankerServiceStub(self._channel)

    def rank(self, query: RankingQuery, hits: Sequence[Hit]) -> Ranking:
        with packing():
            request = ranker_pb2.RankRequest(query=pack_ranking_query(query), hits=[pack_hit(hit) for hit in hits])
        return unpack_ranking(self._call(self._stub.Rank, request).ranking)


class IngestClient(Client):
    """Implements ``ports.Ingest``."""

    part = "ingest"
    service = ingest_pb2.DESCRIPTOR.services_by_name["IngestService"]

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._stub = ingest_pb2_grpc.IngestServiceStub(self._channel)

    def put(self, draft: ProductDraft) -> Product:
        with packing():
            request = ingest_pb2.PutProductRequest(draft=pack_draft(draft))
        return unpack_product(self._call(self._stub.PutProduct, request).product)

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        timeout_s = deadlines.remaining_s(BULK_S)
        try:
            yield from put_in_bulk(lambda requests: self._stub.PutProducts(requests, timeout=timeout_s), drafts)
        except grpc.RpcError as error:
            raise unpack_error(error, self.part) from error

    def patch(self, patch: ProductPatch) -> Product:
        with packing():
            request = ingest_pb2.PatchProductRequest(id=patch.id, changes=pack_changes(patch.changes), version=patch.version)
        return unpack_product(self._call(self._stub.PatchProduct, request).product)

    def delete(self, product_id: str) -> None:
        with packing():
            request = ingest_pb2.DeleteProductRequest(id=product_id)
        self._call(self._stub.DeleteProduct, request)


class SearchClient(Client):
    """Implements ``ports.Search``."""

    part = "search"
    service = search_pb2.DESCRIPTOR.services_by_name["SearchService"]

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._stub = search_pb2_grpc.SearchServiceStub(self._channel)

    def search(self, query: SearchQuery) -> SearchAnswer:
        with packing():
            request = pack_query(query)
        return unpack_answer(self._call(self._stub.Search, request).answer)

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        with packing():
            request = search_pb2.FindSimilarRequest(product_id=product_id, top_k=top_k)
        return unpack_answer(self._call(self._stub.FindSimilar, request).answer)
