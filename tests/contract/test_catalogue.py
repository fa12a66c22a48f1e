"""The catalogue's contract: the fake and Milvus Lite, called and over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.catalogue.engine import MilvusCatalogue
from services.catalogue.servicer import mount
from shoplens.ports import Catalogue
from shoplens.rpc.clients import CatalogueClient
from shoplens.testing.contracts.catalogue import ENCODER, MODEL, CatalogueContract
from shoplens.testing.contracts.finding import FindingContract
from shoplens.testing.fakes import FakeCatalogue
from tests.contract.served import ROUTES, served


@pytest.fixture(scope="module", params=["fake", "Milvus Lite"])
def implementation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    if request.param == "fake":
        yield FakeCatalogue(MODEL)
        return
    folder = tmp_path_factory.mktemp("milvus")
    with MilvusCatalogue.open(str(folder / "catalogue.db"), pictures=folder / "pictures", card=ENCODER.card()) as catalogue:
        yield catalogue


@pytest.fixture(scope="module", params=ROUTES)
def reached(request: pytest.FixtureRequest, implementation: Catalogue) -> Iterator[Catalogue]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), CatalogueClient) as client:
        yield client


@pytest.fixture
def catalogue(reached: Catalogue) -> Iterator[Catalogue]:
    yield reached
    for product in reached.page(size=1000).products:
        reached.delete(product.id)


class TestCatalogue(CatalogueContract):
    pass


class TestFinding(FindingContract):
    pass
