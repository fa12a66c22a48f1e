"""The read path over gRPC."""

from __future__ import annotations

from shoplens.api.search.v1 import search_pb2, search_pb2_grpc
from shoplens.domain import Look, SearchAnswer, SearchQuery
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.searches import pack_query, unpack_answer, unpack_look
from shoplens.rpc.identity import Identity


class SearchClient(Client):
    """Implements ``ports.Search``."""

    part = "search"
    service = search_pb2.DESCRIPTOR.services_by_name["SearchService"]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        super().__init__(target, identity)
        self._stub = search_pb2_grpc.SearchServiceStub(self._channel)

    def search(self, query: SearchQuery) -> SearchAnswer:
        with packing():
            request = pack_query(query)
        return self._ask(self._stub.Search, request, lambda answer: unpack_answer(answer.answer))

    def look(self, query: SearchQuery) -> Look:
        with packing():
            request = search_pb2.CompleteLookRequest(search=pack_query(query))
        return self._ask(self._stub.CompleteLook, request, lambda answer: unpack_look(answer.look))

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        with packing():
            request = search_pb2.FindSimilarRequest(product_id=product_id, top_k=top_k)
        return self._ask(self._stub.FindSimilar, request, lambda answer: unpack_answer(answer.answer))
