"""The catalogue's contract: the fake and Milvus Lite, called and over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.catalogue.engine import MilvusCatalogue
from services.catalogue.servicer import mount
from shoplens.ports import Catalogue
from shoplens.rpc.clients import CatalogueClient
from shoplens.testing.contracts.catalogue import ENCODER, MODEL, CatalogueContract
from shoplens.testing.fakes import FakeCatalogue
from tests.contract.served import ROUTES, served


@pytest.fixture(params=["fake", "Milvus Lite"])
def implementation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalogue]:
    if request.param == "fake":
        yield FakeCatalogue(MODEL)
        return
    with MilvusCatalogue.open(str(tmp_path / "catalogue.db"), pictures=tmp_path / "pictures", card=ENCODER.card()) as catalogue:
        yield catalogue


@pytest.fixture(params=ROUTES)
def catalogue(request: pytest.FixtureRequest, implementation: Catalogue) -> Iterator[Catalogue]:
    if request.param == "called":
        yield implementation
        return
    with served(mount(implementation), CatalogueClient) as client:
        yield client


class TestCatalogue(CatalogueContract):
    pass
