"""Every service as its own process answers as one process does: the same products, the same searches, item for item."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.standalone.compose import compose
from services.standalone.settings import StandaloneSettings
from shoplens.domain import (
    Box,
    ImageSource,
    ProductDetails,
    ProductDraft,
    ProductPatch,
    Ranking,
    Scores,
    SearchAnswer,
    SearchQuery,
)
from shoplens.errors import NotFound, ShoplensError, UnknownCategory, UnreadablePicture
from shoplens.ports import Catalogue, Ingest, Search
from shoplens.rpc.channel import open_channel
from shoplens.rpc.clients import CatalogueClient, IngestClient, SearchClient
from shoplens.testing import pictures
from shoplens.testing.health import wait_for_health
from shoplens.testing.products import draft
from tools.stack.services import PATIENCE_S, ServiceProcess

CLOSE = 1e-5
"""How far two scores may lie apart."""

CATEGORIES = ("T-Shirts", "Women/Dresses", "Heels", "", "Bags")
PRODUCTS = [draft(f"p{seed:02}", 3 * seed, views=1 + seed % 2, category=CATEGORIES[seed % 5]) for seed in range(20)]
BAD = ProductDraft("bad", ProductDetails(title="Bad"), (ImageSource("1", content=b"no picture"),))

QUERIES = {
    "a catalogue picture": SearchQuery(picture=pictures.picture(3)),
    "another picture": SearchQuery(picture=pictures.picture(1_000)),
    "all regions": SearchQuery(picture=pictures.picture(1_001), region_score=0.0),
    "a drawn box": SearchQuery(picture=pictures.picture(12), box=Box(0.2, 0.3, 0.7, 0.9)),
    "a category": SearchQuery(picture=pictures.picture(1_002), category="shoes"),
    "few and explained": SearchQuery(picture=pictures.picture(1_003), top_k=3, explain=True),
    "other weights": SearchQuery(picture=pictures.picture(1_004), weights={"colour": 5.0, "visual": 0.5}),
    "a product": SearchQuery(product_id="p04"),
}


@dataclass(frozen=True, slots=True)
class Shop:
    """One way of running shoplens."""

    ingest: Ingest
    catalogue: Catalogue
    search: Search


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServiceProcess]]:
    data = tmp_path_factory.mktemp("services")
    with ExitStack() as running:

        def start(name: str, **settings: object) -> ServiceProcess:
            return running.enter_context(ServiceProcess(name, health_interval_s=0.2, **settings))

        detector, encoder = start("detector", threads=1), start("encoder", threads=1)
        models = {"detector": detector.address, "encoder": encoder.address}
        catalogue = start("catalogue", milvus_uri=data / "catalogue.db", pictures=data / "pictures", encoder=encoder.address)
        ranker = start("ranker", encoder=encoder.address)
        ingest = start("ingest", catalogue=catalogue.address, **models)
        # Copies are grouped in the background: when, is each process's own business.
        parts = {"catalogue": catalogue.address, "ranker": ranker.address, "ingest": ingest.address, "copies_in_search": False}
        gateway = start("gateway", http_port=0, **parts, **models)
        yield {each.name: each for each in (detector, encoder, catalogue, ranker, ingest, gateway)}


@pytest.fixture(scope="module")
def many(processes: dict[str, ServiceProcess]) -> Iterator[Shop]:
    """A process for every service."""
    for name, client in (("ingest", IngestClient), ("gateway", SearchClient)):
        with open_channel(processes[name].address, client.service) as channel:
            wait_for_health(channel, timeout_s=PATIENCE_S)
    with (
        IngestClient(processes["ingest"].address) as ingest,
        CatalogueClient(processes["catalogue"].address) as catalogue,
        SearchClient(processes["gateway"].address) as search,
    ):
        yield Shop(ingest, catalogue, search)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Everything in this process."""
    data: Path = tmp_path_factory.mktemp("standalone")
    with compose(StandaloneSettings(data=data, threads=1, copies_in_search=False)) as parts:
        yield Shop(parts.ingest, parts.catalogue, parts.search)


@pytest.fixture(scope="module")
def filled(one: Shop, many: Shop) -> tuple[Shop, Shop]:
    """Both shops after the same writes: many at once, one replaced, one changed, one taken away."""
    for shop in (one, many):
        outcomes = list(shop.ingest.put_many([*PRODUCTS[:10], BAD, *PRODUCTS[10:]]))
        assert [outcome.product_id for outcome in outcomes if not outcome.ok] == ["bad"]
        shop.ingest.put(draft("p05", 500))
        shop.ingest.patch(ProductPatch("p06", {"title": "Renamed", "attributes": {"fit": None}}))
        shop.ingest.delete("p07")
    return one, many


def close(ours: float | None, theirs: float | None) -> bool:
    return ours == theirs or (ours is not None and theirs is not None and abs(ours - theirs) <= CLOSE)


def assert_same_scores(ours: Scores, theirs: Scores) -> None:
    for part in Scores.__dataclass_fields__:
        assert close(getattr(ours, part), getattr(theirs, part)), part


def assert_same_ranking(ours: Ranking, theirs: Ranking) -> None:
    assert ours.verdict == theirs.verdict
    for guess, other in zip(ours.categories, theirs.categories, strict=True):
        assert guess.name == other.name
        assert close(guess.probability, other.probability)
    for result, same in zip(ours.results, theirs.results, strict=True):
        assert (result.product_id, result.image_id, result.details) == (same.product_id, same.image_id, same.details)
        assert close(result.score, same.score)
        assert_same_scores(result.scores, same.scores)
        for share, its in zip(result.explanation, same.explanation, strict=True):
            assert share.part == its.part
            assert close(share.weight * share.value, its.weight * its.value)


def assert_same_answer(ours: SearchAnswer, theirs: SearchAnswer) -> None:
    assert (ours.model, ours.region) == (theirs.model, theirs.region)
    assert (ours.index.items, ours.index.products) == (theirs.index.items, theirs.index.products)
    for region, same in zip(ours.regions, theirs.regions, strict=True):
        assert region.category == same.category
        assert close(region.score, same.score)
        assert all(close(*sides) for sides in zip(region.box.as_tuple(), same.box.as_tuple(), strict=True))
    assert_same_ranking(ours.ranking, theirs.ranking)


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_search_gives_the_same_results(filled: tuple[Shop, Shop], name: str) -> None:
    one, many = filled
    ours, theirs = one.search.search(QUERIES[name]), many.search.search(QUERIES[name])
    assert ours.ranking.results
    assert_same_answer(ours, theirs)


def test_more_like_a_product_is_the_same(filled: tuple[Shop, Shop]) -> None:
    one, many = filled
    assert_same_answer(one.search.similar("p03", top_k=7), many.search.similar("p03", top_k=7))


def test_the_catalogues_hold_the_same(filled: tuple[Shop, Shop]) -> None:
    one, many = filled
    ours, theirs = one.catalogue.page().products, many.catalogue.page().products
    assert len(ours) == len(PRODUCTS) - 1
    for product, same in zip(ours, theirs, strict=True):
        assert (product.id, product.details, product.images, product.node) == (same.id, same.details, same.images, same.node)
        assert product.version == same.version
        for image in product.images:
            assert one.catalogue.picture(product.id, image.id) == many.catalogue.picture(product.id, image.id)


def test_the_same_mistakes_get_the_same_answers(filled: tuple[Shop, Shop]) -> None:
    def raised(shop: Shop) -> list[tuple[type[ShoplensError], str]]:
        told = []
        for mistake, expected in (
            (lambda: shop.search.similar("nothing"), NotFound),
            (lambda: shop.ingest.delete("nothing"), NotFound),
            (lambda: shop.ingest.put(BAD), UnreadablePicture),
            (lambda: shop.search.search(SearchQuery(picture=pictures.picture(1), category="spaceship")), UnknownCategory),
        ):
            with pytest.raises(expected) as error:
                mistake()
            told.append((type(error.value), error.value.message))
        return told

    one, many = filled
    assert raised(one) == raised(many)


def test_http_gives_what_grpc_gives(filled: tuple[Shop, Shop], processes: dict[str, ServiceProcess]) -> None:
    one, _ = filled
    base = f"http://{processes['gateway'].http_address}"
    with urllib.request.urlopen(f"{base}/v1/products/p03/similar", timeout=PATIENCE_S) as answer:
        results = json.load(answer)["results"]
    expected = one.search.similar("p03").ranking.results
    assert [result["product_id"] for result in results] == [result.product_id for result in expected]
    assert [result["score"] for result in results] == pytest.approx([result.score for result in expected], abs=CLOSE)
