"""The ranker's contract: the fake and the one that ships, called and over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.ranker.engine import FusionRanker
from services.ranker.rules import Rules
from services.ranker.servicer import mount
from services.ranker.weights import RankingWeights
from shoplens.ports import Ranker
from shoplens.rpc.clients import RankerClient
from shoplens.testing.contracts.ranker import ENCODER, RankerContract
from shoplens.testing.fakes import FakeRanker
from tests.contract.served import ROUTES, served
from tests.unit.ranker.reading import made_up_reader


@pytest.fixture(scope="module", params=["fake", "fusion"])
def implementation(request: pytest.FixtureRequest) -> Ranker:
    if request.param == "fake":
        return FakeRanker()
    rules, card = Rules(RankingWeights.load()), ENCODER.card()
    return FusionRanker(lambda: rules, card, reader=made_up_reader(card))


@pytest.fixture(scope="module", params=ROUTES)
def ranker(request: pytest.FixtureRequest, implementation: Ranker) -> Iterator[Ranker]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), RankerClient) as client:
        yield client


class TestRanker(RankerContract):
    pass
