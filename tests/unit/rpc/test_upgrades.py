"""While a system is upgraded part by part, new services understand old callers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import grpc
import numpy as np

from services.catalogue.servicer import CatalogueServicer
from services.ranker.servicer import RankerServicer
from shoplens.api.catalogue.v1 import catalogue_pb2
from shoplens.api.ranker.v1 import ranker_pb2
from shoplens.domain import WHOLE_FRAME, Features, Hit, ProductDetails, Ranking, RankingQuery, RegionQuery, Verdict
from shoplens.ports import Catalogue, Ranker
from shoplens.rpc.convert.hits import pack_hits, unpack_hits, unpack_table
from shoplens.rpc.convert.index import pack_region_query
from shoplens.rpc.convert.rankings import pack_ranking_query

ZEROS = np.zeros(3, np.float32)
HITS = [Hit(0, f"p{place}", "front", 0.5, WHOLE_FRAME, "top", ZEROS, "h", ProductDetails(title="t")) for place in range(3)]
IDS = [hit.product_id for hit in HITS]
CALL = cast("grpc.ServicerContext", None)


class Finding:
    def search(self, _: RegionQuery) -> Sequence[Hit]:
        return HITS


class Listening:
    def rank(self, _: RankingQuery, hits: Sequence[Hit]) -> Ranking:
        self.heard = [hit.product_id for hit in hits]
        return Ranking((), Verdict.SIMILAR, ())


def test_the_catalogue_answers_an_old_gateway_hit_by_hit_and_a_new_one_in_columns() -> None:
    catalogue = CatalogueServicer(cast("Catalogue", Finding()))
    request = pack_region_query(RegionQuery([ZEROS], 3, "m"))
    new = catalogue.SearchRegions(request, CALL)
    assert [hit.product_id for hit in unpack_table(new.table)] == IDS
    assert not new.hits
    request.ClearField("reads_table")
    old = catalogue.SearchRegions(catalogue_pb2.SearchRegionsRequest.FromString(request.SerializeToString()), CALL)
    assert [hit.product_id for hit in unpack_hits(old.hits)] == IDS
    assert not old.HasField("table")


def test_the_ranker_ranks_what_an_old_gateway_sends_hit_by_hit() -> None:
    ranker = Listening()
    query = pack_ranking_query(RankingQuery((Features(ZEROS, ZEROS, ZEROS, ""),), top_k=3))
    RankerServicer(cast("Ranker", ranker)).Rank(ranker_pb2.RankRequest(query=query, hits=pack_hits(HITS)), CALL)
    assert ranker.heard == IDS
