"""The ranker over gRPC."""

from __future__ import annotations

from collections.abc import Sequence

from shoplens.api.ranker.v1 import ranker_pb2, ranker_pb2_grpc
from shoplens.domain import Hit, Ranking, RankingQuery
from shoplens.rpc.clients.client import Client
from shoplens.rpc.convert.hits import pack_table
from shoplens.rpc.convert.packing import packing
from shoplens.rpc.convert.rankings import pack_ranking_query, unpack_ranking
from shoplens.rpc.identity import Identity


class RankerClient(Client):
    """Implements ``ports.Ranker``."""

    part = "ranker"
    service = ranker_pb2.DESCRIPTOR.services_by_name["RankerService"]

    def __init__(self, target: str, identity: Identity | None = None) -> None:
        super().__init__(target, identity)
        self._stub = ranker_pb2_grpc.RankerServiceStub(self._channel)

    def rank(self, query: RankingQuery, hits: Sequence[Hit]) -> Ranking:
        with packing():
            request = ranker_pb2.RankRequest(query=pack_ranking_query(query), table=pack_table(hits))
        return self._ask(self._stub.Rank, request, lambda answer: unpack_ranking(answer.ranking))
