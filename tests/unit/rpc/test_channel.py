"""What is tried again, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.catalogue.servicer import mount as mount_catalogue
from shoplens.domain import ProductDetails, ProductDraft, ProductPatch
from shoplens.errors import InvalidArgument, NotFound, Unavailable
from shoplens.rpc.channel import service_config
from shoplens.rpc.clients import (
    CatalogueClient,
    Client,
    CopiesClient,
    DetectorClient,
    EncoderClient,
    IngestClient,
    RankerClient,
    SearchClient,
)
from shoplens.rpc.server import Server
from shoplens.rpc.settings import ServerSettings
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeCatalogue
from tests.unit.rpc.waiting import SaidDetector


@pytest.mark.parametrize(
    ("client", "repeated"),
    [
        (DetectorClient, {"Detect", "GetModel"}),
        (EncoderClient, {"GetCard", "Encode"}),
        (
            CatalogueClient,
            {
                "GetProduct",
                "ListProducts",
                "GetFeatures",
                "GetPicture",
                "ApplyWrites",
                "MarkFresh",
                "FindHolders",
                "SearchRegions",
                "GetStatus",
            },
        ),
        (RankerClient, {"Rank"}),
        (CopiesClient, {"FindMissing", "FindCopies", "FindCopiesAmong", "GetGroups"}),
        (IngestClient, set()),
        (SearchClient, {"Search", "CompleteLook", "FindSimilar"}),
    ],
)
def test_only_calls_that_may_be_repeated_are(client: type[Client], repeated: set[str]) -> None:
    config = service_config(client.service)
    assert {name["method"] for method in config["methodConfig"] for name in method["name"]} == repeated


def test_a_read_is_repeated_while_a_part_is_away(serve: Callable[..., Server]) -> None:
    calls: list[int] = []

    def away_twice() -> None:
        calls.append(len(calls))
        if len(calls) < 3:
            raise Unavailable("The model is being loaded.")

    with DetectorClient(serve(SaidDetector(away_twice)).address) as client:
        assert client.detect(pictures.picture(1)) == []
    assert len(calls) == 3


def test_a_refusal_is_not_repeated(serve: Callable[..., Server]) -> None:
    calls: list[int] = []

    def refuse() -> None:
        calls.append(1)
        raise NotFound("There is nothing here.")

    with DetectorClient(serve(SaidDetector(refuse)).address) as client, pytest.raises(NotFound):
        client.detect(pictures.picture(1))
    assert len(calls) == 1


class FailingCatalogue(FakeCatalogue):
    """Counts its writes, and is away for all of them."""

    writes = 0

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> object:  # type: ignore[override]
        self.writes += 1
        raise Unavailable("The store is away.")


def test_a_write_is_not_repeated() -> None:
    catalogue = FailingCatalogue("fake-1")
    with Server([mount_catalogue(catalogue)], ServerSettings()) as server, CatalogueClient(server.address) as client:
        with pytest.raises(Unavailable, match="store"):
            client.patch(ProductPatch("p1", {"title": "New"}))
        assert client.status().products == 0
    assert catalogue.writes == 1


def test_a_service_that_serves_is_not_waited_for(serve: Callable[..., Server]) -> None:
    with DetectorClient(serve(SaidDetector(lambda: None)).address) as client:
        client.wait_until_serving()
        assert client.detect(pictures.picture(1)) == []


def test_a_value_that_cannot_travel_is_refused_before_it_does() -> None:
    draft = ProductDraft("p1", ProductDetails(title="half a \ud83e surrogate"), ())
    with CatalogueClient("127.0.0.1:1") as client, pytest.raises(InvalidArgument, match="cannot be sent"):
        client.put(draft, "t-shirt", [], model="fake-1")
