"""The write path's contract: the fake and the pipeline, called and over gRPC, over a catalogue in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.ingest.engine import Pipeline
from services.ingest.preparation import Preparation
from services.ingest.servicer import mount
from shoplens.errors import PictureUnreachable
from shoplens.fetcher import Fetched, Validators
from shoplens.ports import Catalogue, Ingest
from shoplens.rpc.clients import IngestClient
from shoplens.testing.contracts.ingest import IngestContract
from shoplens.testing.fakes import FakeCache, FakeCatalogue, FakeCopies, FakeDetector, FakeEncoder, FakeIngest
from tests.contract.served import ROUTES, served


class Nowhere:
    """Fetches nothing."""

    def revisit(self, uri: str, validators: Validators) -> Fetched:
        raise PictureUnreachable(f"There is nothing at {uri}.")


@pytest.fixture
def catalogue() -> Catalogue:
    return FakeCatalogue(FakeEncoder().card().model)


@pytest.fixture(params=["fake", "pipeline"])
def implementation(request: pytest.FixtureRequest, catalogue: Catalogue) -> Ingest:
    if request.param == "fake":
        return FakeIngest(FakeEncoder(), catalogue)
    preparation = Preparation.by(FakeDetector(), FakeEncoder(), FakeCopies(), catalogue, Nowhere(), FakeCache())
    return Pipeline(preparation, catalogue)


@pytest.fixture(params=ROUTES)
def ingest(request: pytest.FixtureRequest, implementation: Ingest) -> Iterator[Ingest]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), IngestClient) as client:
        yield client


class TestIngest(IngestContract):
    pass
