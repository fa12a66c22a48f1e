"""The read path's contract: the fake and the gateway's, called and over gRPC, over parts in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.gateway.engine import CameraSearch
from services.gateway.servicer import mount
from services.ranker.engine import FusionRanker
from services.ranker.weights import RankingWeights
from shoplens.ports import Search
from shoplens.rpc.clients import SearchClient
from shoplens.testing.contracts.search import PRODUCTS, SearchContract
from shoplens.testing.fakes import FakeCatalogue, FakeCopies, FakeDetector, FakeEncoder, FakeRanker, FakeSearch
from shoplens.testing.products import draft, indexed
from tests.contract.served import ROUTES, served


@pytest.fixture(scope="module", params=["fake", "camera"])
def implementation(request: pytest.FixtureRequest) -> Search:
    encoder = FakeEncoder()
    card = encoder.card()
    catalogue = FakeCatalogue(card.model)
    for seed, (product_id, node) in enumerate(PRODUCTS.items()):
        wanted = draft(product_id, seed)
        catalogue.put(wanted, node, indexed(encoder, wanted), model=card.model)
    if request.param == "fake":
        return FakeSearch(encoder, catalogue, FakeRanker())
    return CameraSearch(FakeDetector(), encoder, catalogue, FusionRanker.fixed(RankingWeights.load(), card), FakeCopies())


@pytest.fixture(scope="module", params=ROUTES)
def search(request: pytest.FixtureRequest, implementation: Search) -> Iterator[Search]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), SearchClient) as client:
        yield client


class TestSearch(SearchContract):
    pass
