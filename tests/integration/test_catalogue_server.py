"""The catalogue on a real Milvus server: the contract, and what happens when the server does not answer."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.catalogue.engine import MilvusCatalogue
from shoplens import deadlines
from shoplens.domain import ProductPatch
from shoplens.errors import DeadlineExceeded, FailedPrecondition, Unavailable
from shoplens.testing.contracts.catalogue import ENCODER, CatalogueContract, found, put
from shoplens.testing.contracts.finding import FindingContract
from shoplens.testing.products import draft
from tools.stack.milvus import MilvusServer, milvus_server, why_not

CARD = ENCODER.card()


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    missing = why_not()
    if missing and os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, and {missing}")
    if missing:
        pytest.skip(missing)
    with milvus_server(tmp_path_factory.mktemp("milvus")) as running:
        yield running


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def opened(milvus: MilvusServer, pictures: Path) -> Iterator[MilvusCatalogue]:
    with MilvusCatalogue.open(milvus.uri, pictures, CARD) as catalogue:
        yield catalogue


@pytest.fixture
def catalogue(opened: MilvusCatalogue) -> MilvusCatalogue:
    """Empty; making collections takes a server seconds, so all tests share them."""
    for product in opened.page(size=1000).products:
        opened.delete(product.id)
    return opened


@pytest.mark.server
class TestServerCatalogue(CatalogueContract):
    """All of the contract."""


@pytest.mark.server
class TestServerFinding(FindingContract):
    """Filters and words."""


@pytest.mark.server
@pytest.mark.timeout(600)
def test_a_server_that_comes_and_goes(tmp_path: Path, milvus: MilvusServer) -> None:
    """All is there after a restart of both; another model is refused; a dead server is said to be away, at once."""
    files = tmp_path / "milvus", tmp_path / "pictures"
    with milvus_server(files[0]) as first, MilvusCatalogue.open(first.uri, files[1], CARD) as catalogue:
        stored = [put(catalogue, draft(f"p{seed}", seed, views=2)) for seed in range(5)]
        stored[0] = catalogue.patch(ProductPatch("p0", {"title": "Patched"}), node="sandals")
        catalogue.delete("p4")
        first.kill()
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="not reachable"):
            found(catalogue, 1)
        with pytest.raises(Unavailable):
            put(catalogue, draft("p9", 9))
        assert time.monotonic() - begun < 5.0
    with milvus_server(files[0]) as second:
        with MilvusCatalogue.open(second.uri, files[1], CARD) as catalogue:
            assert list(catalogue.page().products) == stored[:4]
            assert found(catalogue, 2)[0] == "p2"
            assert found(catalogue, 0, nodes=("sandals",)) == ["p0"]
            assert catalogue.status().ready
        with pytest.raises(FailedPrecondition, match="import the products again"):
            MilvusCatalogue.open(second.uri, files[1], replace(CARD, version="next"))


def test_no_server_is_unavailable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with deadlines.within(2.0), pytest.raises(Unavailable, match="No Milvus answers"):
        MilvusCatalogue.open(f"http://127.0.0.1:{port}", tmp_path, CARD)


def test_a_server_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with deadlines.within(1.0), pytest.raises((Unavailable, DeadlineExceeded)):
            MilvusCatalogue.open(address, tmp_path, CARD)
    assert time.monotonic() - begun < 5.0
