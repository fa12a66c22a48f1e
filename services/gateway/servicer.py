"""Camera search over gRPC."""

from __future__ import annotations

from functools import partial

import grpc

from shoplens.api.search.v1 import search_pb2 as pb
from shoplens.api.search.v1 import search_pb2_grpc
from shoplens.ports import Search
from shoplens.rpc.convert.searches import DEFAULT_TOP_K, pack_answer, pack_look, unpack_query
from shoplens.rpc.server import Mount


# ruff: noqa: ARG002, N802  gRPC names the methods and passes the context.
class SearchServicer(search_pb2_grpc.SearchServiceServicer):
    """Translates, and calls the port."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:
        return pb.SearchResponse(answer=pack_answer(self._search.search(unpack_query(request))))

    def CompleteLook(self, request: pb.CompleteLookRequest, context: grpc.ServicerContext) -> pb.CompleteLookResponse:
        return pb.CompleteLookResponse(look=pack_look(self._search.look(unpack_query(request.search))))

    def FindSimilar(self, request: pb.FindSimilarRequest, context: grpc.ServicerContext) -> pb.FindSimilarResponse:
        top_k = request.top_k if request.HasField("top_k") else DEFAULT_TOP_K
        return pb.FindSimilarResponse(answer=pack_answer(self._search.similar(request.product_id, top_k=top_k)))


def mount(search: Search) -> Mount:
    """Camera search's service, ready to be served."""
    name = pb.DESCRIPTOR.services_by_name["SearchService"].full_name
    return Mount(name, partial(search_pb2_grpc.add_SearchServiceServicer_to_server, SearchServicer(search)))
