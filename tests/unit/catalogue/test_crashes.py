"""A crash, or a failure, at every single write: each step of a catalogue's life stands whole or never was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.catalogue import schema
from services.catalogue.engine import MilvusCatalogue
from services.catalogue.pictures import PictureFiles
from shoplens.domain import Position, PreparedPatch, PreparedPut, ProductDeletion, ProductPatch, RegionQuery, Write
from shoplens.errors import NotFound, Unavailable
from shoplens.testing.contracts.catalogue import ENCODER, MODEL
from shoplens.testing.products import draft, indexed
from tests.unit.catalogue.memory_milvus import Blow, MemoryMilvus


class PowerCutError(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


State = dict[str, tuple[str, str, int]]
"""Product id → title, node, number of images."""

DRAFTS = {
    number: draft(product_id, number, views=views) for product_id, number, views in (("a", 1, 2), ("b", 2, 2), ("a", 3, 1), ("a", 4, 1))
}
IMAGES = {number: indexed(ENCODER, each) for number, each in DRAFTS.items()}


def put(catalogue: MilvusCatalogue, number: int) -> None:
    catalogue.put(DRAFTS[number], "t-shirt", IMAGES[number], model=MODEL)


def together(catalogue: MilvusCatalogue, offset: int) -> None:
    """Several products in one commit, one of them more than once."""
    changes = (
        PreparedPut(DRAFTS[2], "t-shirt", tuple(IMAGES[2]), MODEL),
        ProductDeletion("a"),
        PreparedPatch(ProductPatch("b", {"title": "Late"}), "hat"),
    )
    catalogue.apply([Write(change, Position("log", offset + place)) for place, change in enumerate(changes)])


LIFE: tuple[tuple[Callable[[MilvusCatalogue], object], State], ...] = (
    (lambda it: put(it, 1), {"a": ("Tee 1", "t-shirt", 2)}),
    (lambda it: put(it, 2), {"a": ("Tee 1", "t-shirt", 2), "b": ("Tee 2", "t-shirt", 2)}),
    (lambda it: put(it, 3), {"a": ("Tee 3", "t-shirt", 1), "b": ("Tee 2", "t-shirt", 2)}),
    (lambda it: it.patch(ProductPatch("b", {"title": "B"})), {"a": ("Tee 3", "t-shirt", 1), "b": ("B", "t-shirt", 2)}),
    (lambda it: it.patch(ProductPatch("b", {}), node="hat"), {"a": ("Tee 3", "t-shirt", 1), "b": ("B", "hat", 2)}),
    (lambda it: it.delete("a"), {"b": ("B", "hat", 2)}),
    (lambda it: put(it, 4), {"a": ("Tee 4", "t-shirt", 1), "b": ("B", "hat", 2)}),
    (lambda it: it.delete("b"), {"a": ("Tee 4", "t-shirt", 1)}),
    (lambda it: together(it, 10), {"b": ("Late", "hat", 2)}),
)
WRITES = 32
"""More than the whole life takes, so that every write is hit; a fuse that long never blows, which is tested too."""


def cut(share: float) -> Blow:
    """The power goes when so much of a write is done."""

    def blow(write: Callable[[float], None]) -> None:
        write(share)
        raise PowerCutError

    return blow


def fail(share: float) -> Blow:
    """The server does not answer, and has done so much of what it was asked."""

    def blow(write: Callable[[float], None]) -> None:
        write(share)
        raise Unavailable("away")

    return blow


def opened(milvus: MemoryMilvus, folder: Path) -> MilvusCatalogue:
    return MilvusCatalogue(milvus, PictureFiles(folder), ENCODER.card())  # type: ignore[arg-type]  # the part of Milvus that is used


def state(catalogue: MilvusCatalogue) -> State:
    """What the catalogue holds; on the way, that all of it is whole and that nothing else can be found."""
    products = {product.id: product for product in catalogue.page(size=10).products}
    for product in products.values():
        assert len(catalogue.features(product.id)) == len(product.images)
        for image in product.images:
            assert catalogue.picture(product.id, image.id).content
    if products:
        probe = catalogue.features(next(iter(products)))[0].embedding
        hits = catalogue.search(RegionQuery([probe], limit=100, model=MODEL))
        assert len(hits) == 2 * sum(len(product.images) for product in products.values())
        assert all((hit.details, hit.node) == (products[hit.product_id].details, products[hit.product_id].node) for hit in hits)
    else:
        with pytest.raises(NotFound):
            catalogue.get("a")
    return {product.id: (product.details.title, product.node, len(product.images)) for product in products.values()}


def expect_nothing_left_over(milvus: MemoryMilvus, folder: Path, held: State) -> None:
    images = sum(count for _, _, count in held.values())
    remembered = {row["id"] for row in milvus.tables[schema.PRODUCTS].values() if row["deleted"] and row["log"]}
    assert len(remembered) <= 1
    tables = {name: sum(number not in remembered for number in table) for name, table in milvus.tables.items()}
    assert sorted(tables.values()) == sorted([1, len(held), 2 * images])
    assert len(list(folder.glob("??/??/*"))) <= images


@pytest.fixture(params=[1, 256], ids=lambda rows: f"tidied after {rows}")
def _retirement(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.catalogue.ledger.RETIRE_ROWS", request.param)


@pytest.mark.usefixtures("_retirement")
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["before", "half way", "after"])
@pytest.mark.parametrize("fuse", range(1, WRITES + 1))
def test_a_power_cut_leaves_each_step_whole_or_undone(tmp_path: Path, fuse: int, share: float) -> None:
    milvus = MemoryMilvus()
    catalogue = opened(milvus, tmp_path)
    milvus.writes, milvus.fuse, milvus.blow = 0, fuse, cut(share)
    before: State = {}
    for step, after in LIFE:
        try:
            step(catalogue)
        except PowerCutError:
            break
        before = after
    milvus.fuse = -1
    catalogue._pictures.close()
    again = opened(milvus, tmp_path)
    held = state(again)
    # Each product on its own: a commit of several may be cut between them.
    assert all(held.get(product_id) in (before.get(product_id), after.get(product_id)) for product_id in "ab")
    expect_nothing_left_over(milvus, tmp_path, held)
    again.close()


@pytest.mark.usefixtures("_retirement")
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["before", "half way", "after"])
@pytest.mark.parametrize("fuse", range(1, WRITES + 1))
def test_a_failed_step_is_as_if_it_never_was_and_may_be_tried_again(tmp_path: Path, fuse: int, share: float) -> None:
    milvus = MemoryMilvus()
    catalogue = opened(milvus, tmp_path)
    milvus.writes, milvus.fuse, milvus.blow = 0, fuse, fail(share)
    before: State = {}
    for step, after in LIFE:
        try:
            step(catalogue)
        except Unavailable:
            assert state(catalogue) == before
            step(catalogue)
        assert state(catalogue) == after
        before = after
    milvus.fuse = -1
    catalogue.close()
    again = opened(milvus, tmp_path)
    assert state(again) == before
    expect_nothing_left_over(milvus, tmp_path, before)
    again.close()


def test_damage_hides_a_product_and_destroys_nothing(tmp_path: Path) -> None:
    milvus = MemoryMilvus()
    with opened(milvus, tmp_path) as catalogue:
        put(catalogue, 1)
        put(catalogue, 2)
    (images,) = [table for name, table in milvus.tables.items() if name.startswith("images")]
    lost = images.pop(min(images))
    with opened(milvus, tmp_path) as catalogue:
        assert state(catalogue) == {"b": ("Tee 2", "t-shirt", 2)}
    images[lost["id"]] = lost
    with opened(milvus, tmp_path) as catalogue:
        assert state(catalogue) == LIFE[1][1]


def test_what_a_log_took_away_stays_away_after_a_restart(tmp_path: Path) -> None:
    milvus = MemoryMilvus()
    with opened(milvus, tmp_path) as catalogue:
        put(catalogue, 1)
        together(catalogue, 10)
    with opened(milvus, tmp_path) as catalogue:
        together(catalogue, 10)
        catalogue.apply([Write(PreparedPut(DRAFTS[1], "t-shirt", tuple(IMAGES[1]), MODEL), Position("log", 9))])
        assert state(catalogue) == {"b": ("Late", "hat", 2)}
        assert catalogue.get("b").version == 2


def test_a_deletion_is_forgotten_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    milvus = MemoryMilvus()
    with opened(milvus, tmp_path) as catalogue:
        catalogue.apply([Write(ProductDeletion("a", 9))])
        assert len(milvus.tables[schema.PRODUCTS]) == 1
        monkeypatch.setattr("services.catalogue.ledger.REMEMBERED_S", 0)
        put(catalogue, 2)
    assert [row["product_id"] for row in milvus.tables[schema.PRODUCTS].values()] == ["b"]
