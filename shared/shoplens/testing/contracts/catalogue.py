"""What every catalogue does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import numpy as np
import pytest

from shoplens import deadlines
from shoplens.domain import (
    WHOLE_FRAME,
    Features,
    Position,
    PreparedPatch,
    PreparedPut,
    Product,
    ProductDeletion,
    ProductDetails,
    ProductDraft,
    ProductPatch,
    RegionQuery,
    Write,
)
from shoplens.errors import DeadlineExceeded, FailedPrecondition, InvalidArgument, NotFound
from shoplens.filters import parse
from shoplens.ports import Catalogue
from shoplens.testing import pictures
from shoplens.testing.fakes import FakeEncoder
from shoplens.testing.products import draft, indexed

ENCODER = FakeEncoder()
"""A catalogue under test is made for this encoder's card."""

MODEL = ENCODER.card().model

CALLS: dict[str, Callable[[Catalogue], object]] = {
    "get": lambda catalogue: catalogue.get("p1"),
    "delete": lambda catalogue: catalogue.delete("p1"),
    "patch": lambda catalogue: catalogue.patch(ProductPatch("p1", {"title": "New"})),
    "features": lambda catalogue: catalogue.features("p1"),
    "picture": lambda catalogue: catalogue.picture("p1", "1"),
}


def put(catalogue: Catalogue, wanted: ProductDraft, node: str = "t-shirt") -> Product:
    return catalogue.put(wanted, node, indexed(ENCODER, wanted), model=MODEL)


_numbers = count()


def new_log() -> str:
    """A name that no test has used: the catalogue under test may be shared, and remembers positions."""
    return f"log {next(_numbers)}"


def stored(product_id: str, seed: int, *, version: int | None = None, at: Position | None = None) -> Write:
    """A put."""
    wanted = draft(product_id, seed, version=version)
    return Write(PreparedPut(wanted, "t-shirt", tuple(indexed(ENCODER, wanted)), MODEL), at)


def frame(seed: int) -> Features:
    (features,) = ENCODER.encode(pictures.picture(seed), [WHOLE_FRAME])
    return features


def found(catalogue: Catalogue, seed: int, *, limit: int = 20, nodes: tuple[str, ...] = (), only: str = "") -> list[str]:
    """The ids of the products near a picture, nearest first, each once."""
    wanted = parse(only) if only else None
    hits = catalogue.search(RegionQuery([frame(seed).embedding], limit=limit, nodes=nodes, model=MODEL, only=wanted))
    return list(dict.fromkeys(hit.product_id for hit in hits))


def plain(details: ProductDetails) -> ProductDetails:
    """The same details, with several texts of an attribute as a tuple: as what sequence they come back is left open."""
    values = {name: value if isinstance(value, str | bool | int | float) else tuple(value) for name, value in details.attributes.items()}
    return replace(details, attributes=values)


class CatalogueContract:
    """Asks for the fixture ``catalogue``: an empty one, made for ``ENCODER.card()``."""

    def test_a_product_is_read_as_it_was_put(self, catalogue: Catalogue) -> None:
        wanted = draft("p1", 1, views=2)
        stored = put(catalogue, wanted)
        assert plain(stored.details) == wanted.details
        assert stored.images == tuple(image.image for image in indexed(ENCODER, wanted))
        assert (stored.id, stored.node, stored.version) == ("p1", "t-shirt", 1)
        assert abs(stored.updated_at - datetime.now(UTC)) < timedelta(minutes=1)
        assert catalogue.get("p1") == stored

    def test_who_shows_a_picture_is_told_until_it_is_shown_no_more(self, catalogue: Catalogue) -> None:
        for product_id in ("p2", "p1"):
            put(catalogue, draft(product_id, 1))
        put(catalogue, draft("p3", 5))
        shown, other = pictures.picture(1).content_hash, pictures.picture(9).content_hash
        holders = catalogue.holders([shown, other])
        assert list(holders) == [shown]
        assert [(holder.product_id, holder.image) for holder in holders[shown]] == [
            (product_id, catalogue.get(product_id).images[0]) for product_id in ("p1", "p2")
        ]
        catalogue.delete("p1")
        put(catalogue, draft("p2", 7))
        assert not catalogue.holders([shown])

    def test_a_put_without_a_version_takes_the_next_one(self, catalogue: Catalogue) -> None:
        assert put(catalogue, draft("p1", 1, version=7)).version == 7
        assert put(catalogue, draft("p1", 2)).version == 8

    @pytest.mark.parametrize("version", [6, 7])
    def test_what_is_not_newer_changes_nothing(self, catalogue: Catalogue, version: int) -> None:
        stored = put(catalogue, draft("p1", 1, version=7))
        assert put(catalogue, draft("p1", 2, version=version)) == stored
        assert catalogue.get("p1") == stored
        assert [features.content_hash for features in catalogue.features("p1")] == [frame(1).content_hash]

    def test_a_newer_version_replaces_the_product_whole(self, catalogue: Catalogue) -> None:
        put(catalogue, draft("p1", 1, views=3, version=1))
        put(catalogue, draft("p1", 5, views=1, version=2))
        hits = catalogue.search(RegionQuery([frame(1).embedding], limit=50, model=MODEL))
        assert {hit.content_hash for hit in hits} == {frame(5).content_hash}
        with pytest.raises(NotFound):
            catalogue.picture("p1", "2")

    def test_vectors_of_another_model_are_refused(self, catalogue: Catalogue) -> None:
        wanted = draft("p1", 1)
        with pytest.raises(FailedPrecondition, match=MODEL):
            catalogue.put(wanted, "t-shirt", indexed(ENCODER, wanted), model="other-1")
        with pytest.raises(FailedPrecondition):
            catalogue.search(RegionQuery([frame(1).embedding], limit=1, model="other-1"))
        with pytest.raises(NotFound):
            catalogue.get("p1")

    def test_a_patch_changes_details_and_touches_no_vector(self, catalogue: Catalogue) -> None:
        before = put(catalogue, draft("p1", 1))
        vectors = catalogue.features("p1")
        after = catalogue.patch(ProductPatch("p1", {"price": None, "in_stock": False, "attributes": {"fit": None, "sleeve": "long"}}))
        assert plain(after.details) == replace(
            plain(before.details),
            price=None,
            in_stock=False,
            attributes={"sizes": ("S", "M"), "organic": True, "weight_g": 180, "stretch": 0.05, "sleeve": "long"},
        )
        assert (after.version, after.images, after.node) == (2, before.images, before.node)
        assert catalogue.get("p1") == after
        np.testing.assert_array_equal(catalogue.features("p1")[0].embedding, vectors[0].embedding)

    def test_hits_show_what_a_patch_changed(self, catalogue: Catalogue) -> None:
        put(catalogue, draft("p1", 1))
        catalogue.patch(ProductPatch("p1", {"title": "Renamed", "category": "Shoes"}), node="sandals")
        hit = catalogue.search(RegionQuery([frame(1).embedding], limit=1, nodes=("sandals",), model=MODEL))[0]
        assert (hit.details.title, hit.node) == ("Renamed", "sandals")
        assert found(catalogue, 1, nodes=("t-shirt",)) == []

    def test_a_patch_that_is_not_newer_changes_nothing(self, catalogue: Catalogue) -> None:
        stored = put(catalogue, draft("p1", 1, version=7))
        assert catalogue.patch(ProductPatch("p1", {"title": "Late"}, version=7)) == stored

    @pytest.mark.parametrize("name", CALLS)
    def test_what_is_not_there_is_not_found(self, catalogue: Catalogue, name: str) -> None:
        put(catalogue, draft("p2", 2))
        with pytest.raises(NotFound, match="p1"):
            CALLS[name](catalogue)

    def test_a_deleted_product_is_found_nowhere(self, catalogue: Catalogue) -> None:
        put(catalogue, draft("p1", 1))
        put(catalogue, draft("p2", 2))
        catalogue.delete("p1")
        assert found(catalogue, 1) == ["p2"]
        for call in CALLS.values():
            with pytest.raises(NotFound):
                call(catalogue)

    def test_many_writes_take_effect_in_their_order(self, catalogue: Catalogue) -> None:
        outcomes = catalogue.apply(
            [
                stored("p1", 1),
                stored("p2", 2),
                Write(PreparedPatch(ProductPatch("p1", {"title": "One"}))),
                Write(PreparedPatch(ProductPatch("p1", {"attributes": {"fit": None}}), "sandals")),
                Write(PreparedPatch(ProductPatch("p9", {"title": "Nobody"}))),
                Write(ProductDeletion("p2")),
                stored("p3", 3),
                stored("p3", 4),
                Write(PreparedPatch(ProductPatch("p3", {"title": "Three"}))),
            ]
        )
        assert [outcome.changed for outcome in outcomes] == [True, True, True, True, False, True, True, True, True]
        assert isinstance(outcomes[4].error, NotFound)
        assert [outcome for outcome in outcomes if outcome.error is not None] == [outcomes[4]]
        assert [(each.id, each.details.title, each.version) for each in catalogue.page().products] == [("p1", "One", 3), ("p3", "Three", 3)]
        assert "fit" not in catalogue.get("p1").details.attributes
        assert found(catalogue, 1, nodes=("sandals",)) == ["p1"]
        assert catalogue.search(RegionQuery([frame(4).embedding], limit=1, model=MODEL))[0].content_hash == frame(4).content_hash

    def test_a_log_that_is_brought_again_changes_nothing(self, catalogue: Catalogue) -> None:
        name = new_log()
        log = [
            stored("p1", 1, at=Position(name, 1)),
            Write(PreparedPatch(ProductPatch("p1", {"title": "A"})), Position(name, 2)),
            stored("p2", 2, at=Position(name, 3)),
            Write(ProductDeletion("p2"), Position(name, 4)),
            Write(PreparedPatch(ProductPatch("p1", {"title": "B"})), Position(name, 5)),
        ]
        assert all(outcome.changed for outcome in catalogue.apply(log))
        whole = catalogue.page().products
        for start in range(len(log)):
            assert not any(outcome.changed or outcome.error for outcome in catalogue.apply(log[start:]))
            assert catalogue.page().products == whole
        assert (whole[0].details.title, whole[0].version) == ("B", 3)
        assert catalogue.apply([stored("p2", 2, at=Position(name, 6))])[0].changed

    def test_a_write_of_another_way_does_not_hold_a_log_up(self, catalogue: Catalogue) -> None:
        name = new_log()
        catalogue.apply([stored("p1", 1, at=Position(name, 7))])
        catalogue.patch(ProductPatch("p1", {"title": "By hand"}))
        late = Write(PreparedPatch(ProductPatch("p1", {"title": "Again"})), Position(name, 7))
        assert not catalogue.apply([late])[0].changed
        other = Write(PreparedPatch(ProductPatch("p1", {"title": "Another log"})), Position(new_log(), 1))
        assert catalogue.apply([other])[0].changed
        assert catalogue.get("p1").details.title == "Another log"

    def test_a_deletion_with_a_version_is_remembered(self, catalogue: Catalogue) -> None:
        put(catalogue, draft("p1", 1, version=5))
        assert not catalogue.apply([Write(ProductDeletion("p1", 4))])[0].changed
        assert catalogue.apply([Write(ProductDeletion("p1", 6))])[0].changed
        assert not catalogue.apply([stored("p1", 1, version=6)])[0].changed
        with pytest.raises(FailedPrecondition, match="deleted"):
            put(catalogue, draft("p1", 1, version=6))
        assert catalogue.page().products == ()
        assert catalogue.apply([stored("p1", 1, version=7)])[0].changed
        catalogue.delete("p1")
        assert put(catalogue, draft("p1", 1, version=2)).version == 2  # a deletion without a version stands in nobody's way

    def test_a_deletion_may_come_before_its_product(self, catalogue: Catalogue) -> None:
        outcomes = catalogue.apply([Write(ProductDeletion("p1", 9)), stored("p1", 1, version=8), stored("p1", 1, version=10)])
        assert [outcome.changed for outcome in outcomes] == [False, False, True]
        assert catalogue.get("p1").version == 10

    def test_a_wrong_write_does_not_stop_the_rest(self, catalogue: Catalogue) -> None:
        wrong = Write(PreparedPut(draft("p2", 2), "t-shirt", (), MODEL))
        outcomes = catalogue.apply([stored("p1", 1), wrong, stored("p3", 3)])
        assert isinstance(outcomes[1].error, InvalidArgument)
        assert [product.id for product in catalogue.page().products] == ["p1", "p3"]
        with pytest.raises(FailedPrecondition):
            catalogue.apply([Write(PreparedPut(draft("p4", 4), "t-shirt", tuple(indexed(ENCODER, draft("p4", 4))), "another-1"))])

    def test_it_is_as_fresh_as_the_oldest_log(self, catalogue: Catalogue) -> None:
        early, late, not_yet = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
        one, other = new_log(), new_log()
        catalogue.mark_fresh({one: late, other: early})
        assert catalogue.status().fresh_as_of == early
        catalogue.mark_fresh({other: not_yet})
        assert catalogue.status().fresh_as_of == late
        catalogue.mark_fresh({one: not_yet})
        assert abs(catalogue.status().fresh_as_of - datetime.now(UTC)) < timedelta(minutes=1)

    def test_pages_hold_every_product_once_in_order(self, catalogue: Catalogue) -> None:
        ids = ["b", "a", "c2", "c1", "d"]
        for seed, product_id in enumerate(ids):
            put(catalogue, draft(product_id, seed))
        for size in (1, 2, 5, 100):
            seen, token = [], ""
            while True:
                page = catalogue.page(size=size, token=token)
                assert len(page.products) <= size
                seen += [product.id for product in page.products]
                token = page.next_token
                if not token:
                    break
            assert seen == sorted(ids)

    def test_an_empty_catalogue_is_no_error(self, catalogue: Catalogue) -> None:
        assert catalogue.page().products == ()
        assert list(catalogue.search(RegionQuery([frame(1).embedding], limit=10, model=MODEL))) == []
        status = catalogue.status()
        assert (status.items, status.products, status.ready) == (0, 0, True)

    def test_features_come_back_as_they_were_put(self, catalogue: Catalogue) -> None:
        wanted = draft("p1", 1, views=2)
        put(catalogue, wanted)
        for stored, image in zip(catalogue.features("p1"), indexed(ENCODER, wanted), strict=True):
            put_in = image.regions[0].features
            np.testing.assert_allclose(stored.embedding, put_in.embedding, atol=1e-6)
            np.testing.assert_allclose(stored.categories, put_in.categories, atol=1e-3)
            np.testing.assert_allclose(stored.colour, put_in.colour, atol=1e-3)
            assert stored.content_hash == put_in.content_hash

    def test_pictures_come_back_to_the_byte(self, catalogue: Catalogue) -> None:
        put(catalogue, draft("p1", 1, views=2))
        stored = catalogue.picture("p1", "2")
        assert (stored.content, stored.media_type) == (pictures.png(2), "image/png")
        with pytest.raises(NotFound):
            catalogue.picture("p1", "3")

    def test_hits_come_nearest_first_for_each_probe(self, catalogue: Catalogue) -> None:
        for seed in range(6):
            put(catalogue, draft(f"p{seed}", seed))
        hits = catalogue.search(RegionQuery([frame(3).embedding, frame(4).embedding], limit=5, model=MODEL))
        assert [hit.probe for hit in hits] == [0] * 5 + [1] * 5
        assert (hits[0].product_id, hits[5].product_id) == ("p3", "p4")
        for probe in (0, 1):
            mine = [hit.similarity for hit in hits if hit.probe == probe]
            assert all(nearer >= farther for nearer, farther in pairwise(mine))
            assert mine[0] == pytest.approx(1.0, abs=1e-4)

    def test_a_hit_says_what_was_found(self, catalogue: Catalogue) -> None:
        wanted = draft("p1", 1)
        put(catalogue, wanted)
        hit = catalogue.search(RegionQuery([frame(1).embedding], limit=1, model=MODEL))[0]
        assert (hit.probe, hit.product_id, hit.image_id, hit.box, hit.node) == (0, "p1", "1", WHOLE_FRAME, "t-shirt")
        assert hit.content_hash == frame(1).content_hash
        assert plain(hit.details) == wanted.details
        np.testing.assert_allclose(hit.colour, frame(1).colour, atol=1e-3)

    def test_nodes_restrict_the_search(self, catalogue: Catalogue) -> None:
        for seed, node in enumerate(("t-shirt", "sandals", "t-shirt", "heels")):
            put(catalogue, draft(f"p{seed}", seed), node)
        assert sorted(found(catalogue, 0, nodes=("sandals", "heels"))) == ["p1", "p3"]
        assert found(catalogue, 0, nodes=("hat",)) == []
        assert len(found(catalogue, 0)) == 4

    @pytest.mark.parametrize("product_id", ["a b", "quo'te\"s", "back\\slash", "a/b/../c", "名前-ü-🧦", "%20", "NULL", "x" * 190])
    def test_ids_may_be_odd(self, catalogue: Catalogue, product_id: str) -> None:
        put(catalogue, draft("other", 2))
        put(catalogue, draft(product_id, 1))
        assert catalogue.get(product_id).id == product_id
        assert found(catalogue, 1)[0] == product_id
        assert catalogue.picture(product_id, "1").content == pictures.png(1)
        catalogue.delete(product_id)
        assert found(catalogue, 1) == ["other"]

    def test_two_writers_of_one_product_leave_one_whole_product(self, catalogue: Catalogue) -> None:
        drafts = [draft("p1", seed, views=1 + seed % 2) for seed in range(8)]
        with ThreadPoolExecutor(4) as pool:
            versions = sorted(product.version for product in pool.map(lambda each: put(catalogue, each), drafts))
        assert versions == list(range(1, 9))
        stored = catalogue.get("p1")
        (winner,) = [each for each in drafts if each.details == plain(stored.details)]
        assert stored.images == tuple(image.image for image in indexed(ENCODER, winner))
        hashes = {hit.content_hash for hit in catalogue.search(RegionQuery([frame(0).embedding], limit=50, model=MODEL))}
        assert hashes == {image.content_hash for image in stored.images}

    def test_many_writers_lose_nothing(self, catalogue: Catalogue) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda seed: put(catalogue, draft(f"p{seed:02}", seed)), range(16)))
        assert [product.id for product in catalogue.page().products] == [f"p{seed:02}" for seed in range(16)]
        assert len(found(catalogue, 0, limit=100)) == 16

    def test_the_status_counts_what_can_be_found(self, catalogue: Catalogue) -> None:
        begun = datetime.now(UTC) - timedelta(seconds=1)
        put(catalogue, draft("p1", 1, views=3))
        put(catalogue, draft("p2", 5))
        status = catalogue.status()
        assert (status.items, status.products) == (4, 2)
        assert MODEL in status.version
        assert status.fresh_as_of >= begun

    def test_every_change_makes_another_revision_and_nothing_else_does(self, catalogue: Catalogue) -> None:
        revisions = [catalogue.status().revision]
        for change in (
            lambda: put(catalogue, draft("p1", 1)),
            lambda: catalogue.patch(ProductPatch("p1", {"title": "New"})),
            lambda: put(catalogue, draft("p1", 2)),
            lambda: catalogue.delete("p1"),
        ):
            change()
            revisions.append(catalogue.status().revision)
        assert len(set(revisions)) == 5
        assert 0 not in revisions
        found(catalogue, 1)
        catalogue.page()
        assert catalogue.status().revision == revisions[-1]

    def test_nothing_is_done_for_nobody(self, catalogue: Catalogue) -> None:
        wanted = draft("p1", 1)
        images = indexed(ENCODER, wanted)
        with deadlines.within(0.0):
            with pytest.raises(DeadlineExceeded):
                catalogue.put(wanted, "t-shirt", images, model=MODEL)
            with pytest.raises(DeadlineExceeded):
                catalogue.search(RegionQuery([images[0].regions[0].features.embedding], limit=1, model=MODEL))
        with pytest.raises(NotFound):
            catalogue.get("p1")
