"""What every write path does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shoplens import deadlines
from shoplens.domain import ImageSource, ProductDetails, ProductDraft, ProductPatch
from shoplens.errors import DeadlineExceeded, InvalidArgument, NotFound, UnreadablePicture
from shoplens.ports import Catalogue, Ingest
from shoplens.testing import pictures
from shoplens.testing.products import draft


class IngestContract:
    """Asks for the fixtures ``ingest`` and ``catalogue``, an empty one that it writes to."""

    def test_what_is_put_can_be_read(self, ingest: Ingest, catalogue: Catalogue) -> None:
        wanted = draft("p1", 1, views=2, category="Women/T-Shirts")
        stored = ingest.put(wanted)
        assert catalogue.get("p1") == stored
        assert (stored.details, stored.node) == (wanted.details, "t-shirt")
        assert [image.id for image in stored.images] == ["1", "2"]
        assert catalogue.picture("p1", "1").content == pictures.png(1)

    def test_an_older_version_changes_nothing(self, ingest: Ingest) -> None:
        stored = ingest.put(draft("p1", 1, version=5))
        assert ingest.put(draft("p1", 2, version=4)) == stored

    def test_a_picture_that_cannot_be_read_leaves_nothing(self, ingest: Ingest, catalogue: Catalogue) -> None:
        good = ImageSource("1", content=pictures.png(1))
        bad = ImageSource("2", content=b"no picture")
        with pytest.raises(UnreadablePicture):
            ingest.put(ProductDraft("p1", ProductDetails(), (good, bad)))
        with pytest.raises(NotFound):
            catalogue.get("p1")

    def test_a_product_without_pictures_is_refused(self, ingest: Ingest) -> None:
        with pytest.raises(InvalidArgument, match="picture"):
            ingest.put(ProductDraft("p1", ProductDetails(), ()))

    def test_many_are_answered_in_order_and_a_bad_one_stops_nobody(self, ingest: Ingest, catalogue: Catalogue) -> None:
        bad = ProductDraft("bad", ProductDetails(), (ImageSource("1", content=b"no picture"),))
        drafts = [draft("p1", 1), bad, *(draft(f"q{seed:02}", seed) for seed in range(20))]
        outcomes = list(ingest.put_many(iter(drafts)))
        assert [outcome.product_id for outcome in outcomes] == [each.id for each in drafts]
        assert [outcome.product_id for outcome in outcomes if not outcome.ok] == ["bad"]
        assert [bool(outcome.error) for outcome in outcomes] == [not outcome.ok for outcome in outcomes]
        assert len(catalogue.page().products) == 21

    def test_what_the_caller_s_own_iterable_raises_comes_back(self, ingest: Ingest) -> None:
        def drafts() -> Iterator[ProductDraft]:
            yield draft("p1", 1)
            raise InvalidArgument("line 2 is no product")

        with pytest.raises(InvalidArgument, match="line 2"):
            list(ingest.put_many(drafts()))

    def test_a_patch_changes_details_and_the_node_with_the_category(self, ingest: Ingest, catalogue: Catalogue) -> None:
        ingest.put(draft("p1", 1))
        patched = ingest.patch(ProductPatch("p1", {"category": "Sandals", "in_stock": False}))
        assert (patched.details.in_stock, patched.node) == (False, "sandals")
        assert catalogue.get("p1") == patched

    def test_a_deleted_product_is_gone(self, ingest: Ingest, catalogue: Catalogue) -> None:
        ingest.put(draft("p1", 1))
        ingest.delete("p1")
        with pytest.raises(NotFound):
            catalogue.get("p1")

    def test_what_is_not_there_is_not_found(self, ingest: Ingest) -> None:
        with pytest.raises(NotFound, match="p1"):
            ingest.patch(ProductPatch("p1", {"title": "New"}))
        with pytest.raises(NotFound, match="p1"):
            ingest.delete("p1")

    def test_a_deletion_with_a_version_keeps_older_products_away(self, ingest: Ingest, catalogue: Catalogue) -> None:
        ingest.put(draft("p1", 1, version=5))
        ingest.delete("p1", version=4)
        assert catalogue.get("p1").version == 5
        ingest.delete("p1", version=6)
        ingest.delete("p2", version=6)
        assert [outcome.ok for outcome in ingest.put_many([draft("p2", 2, version=5)])] == [False]
        assert catalogue.page().products == ()

    def test_nothing_is_done_for_nobody(self, ingest: Ingest, catalogue: Catalogue) -> None:
        with deadlines.within(0.0), pytest.raises(DeadlineExceeded):
            ingest.put(draft("p1", 1))
        assert catalogue.page().products == ()
