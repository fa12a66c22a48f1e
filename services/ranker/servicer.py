"""The ranker over gRPC."""

from __future__ import annotations

from functools import partial

import grpc

from shoplens.api.ranker.v1 import ranker_pb2 as pb
from shoplens.api.ranker.v1 import ranker_pb2_grpc
from shoplens.ports import Ranker
from shoplens.rpc.convert.hits import unpack_hits, unpack_table
from shoplens.rpc.convert.rankings import pack_ranking, unpack_ranking_query
from shoplens.rpc.server import Mount


# ruff: noqa: ARG002, N802  gRPC names the methods and passes the context.
class RankerServicer(ranker_pb2_grpc.RankerServiceServicer):
    """Translates, and calls the port."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker

    def Rank(self, request: pb.RankRequest, context: grpc.ServicerContext) -> pb.RankResponse:
        ranking = self._ranker.rank(unpack_ranking_query(request.query), [*unpack_hits(request.hits), *unpack_table(request.table)])
        return pb.RankResponse(ranking=pack_ranking(ranking))


def mount(ranker: Ranker) -> Mount:
    """The ranker's service, ready to be served."""
    name = pb.DESCRIPTOR.services_by_name["RankerService"].full_name
    return Mount(name, partial(ranker_pb2_grpc.add_RankerServiceServicer_to_server, RankerServicer(ranker)))
