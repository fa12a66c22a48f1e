"""What is kept of a picture, and which node a product gets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.category import node_after, node_of
from services.ingest.extraction import Extractor, close_ups, worth_indexing
from shoplens.domain import WHOLE_FRAME, Box, ImageSource, ProductDetails, Region
from shoplens.testing.fakes import FakeCache, FakeCopies
from tests.unit.ingest.doubles import LEAVES, Looking, Seeing, photo

LEFT, RIGHT, TOP, BOTTOM = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1), Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1)


def test_the_frame_and_the_best_regions() -> None:
    regions = [Region(LEFT, "top", 0.6), Region(RIGHT, "shoes", 0.9)]
    indexed = Extractor(Looking(regions), Seeing(), FakeCopies(), FakeCache()).extract(
        ImageSource("front", page_url="https://shop.example/p", creator="C"), photo(7)
    )
    found = [(region.box, region.category) for region in indexed.regions]
    assert found[:3] == [(WHOLE_FRAME, LEAVES[1]), (RIGHT, "shoes"), (LEFT, "top")]
    assert found[3:] == [(box, "shoes") for box in close_ups(RIGHT)]
    assert (indexed.image.id, indexed.image.width, indexed.image.height) == ("front", 40, 30)
    assert (indexed.image.page_url, indexed.image.creator) == ("https://shop.example/p", "C")
    assert indexed.content == photo(7)
    assert indexed.media_type == "image/png"
    assert {region.features.content_hash for region in indexed.regions} == {indexed.image.content_hash}


def test_a_picture_without_regions_has_close_ups_of_its_own() -> None:
    indexed = Extractor(Looking([]), Seeing(), FakeCopies(), FakeCache()).extract(ImageSource("front"), photo(7))
    assert [region.box for region in indexed.regions] == [WHOLE_FRAME, *close_ups(WHOLE_FRAME)]


def test_a_picture_that_is_known_is_not_computed_again() -> None:
    cache, looking = FakeCache(), Looking([Region(RIGHT, "shoes", 0.9)])
    extractor = Extractor(looking, Seeing(), FakeCopies(), cache)
    first = extractor.extract(ImageSource("front", creator="C"), photo(7))
    again = Extractor(looking, Seeing(), FakeCopies(), cache).extract(ImageSource("back", page_url="https://shop.example"), photo(7))
    assert looking.calls == 1
    assert (again.image.id, again.image.creator, again.image.width, again.image.height) == ("back", None, 40, 30)
    assert (again.content, again.media_type) == (photo(7), "image/png")
    for ours, theirs in zip(again.regions, first.regions, strict=True):
        assert (ours.box.as_tuple(), ours.category) == (pytest.approx(theirs.box.as_tuple()), theirs.category)
        np.testing.assert_array_equal(ours.features.embedding, theirs.features.embedding)
        np.testing.assert_array_equal(ours.features.categories, theirs.features.categories)
        np.testing.assert_array_equal(ours.features.colour, theirs.features.colour)
    assert extractor.extract(ImageSource("front"), photo(8)).image.content_hash != first.image.content_hash
    assert looking.calls == 2


def test_what_the_cache_holds_of_another_make_or_no_sense_is_computed() -> None:
    cache, looking = FakeCache(), Looking([])
    extractor = Extractor(looking, Seeing(), FakeCopies(), cache)
    extractor.extract(ImageSource("front"), photo(7))
    (key,) = cache.kept
    cache.kept[key] = b"\xff no message"
    extractor.extract(ImageSource("front"), photo(7))
    assert looking.calls == 2


def test_another_detectors_pictures_are_not_taken_for_known() -> None:
    class Newer(Looking):
        def model(self) -> str:
            return "looking-2"

    cache, newer = FakeCache(), Newer([])
    Extractor(Looking([]), Seeing(), FakeCopies(), cache).extract(ImageSource("front"), photo(7))
    for _ in range(2):
        Extractor(newer, Seeing(), FakeCopies(), cache).extract(ImageSource("front"), photo(7))
    assert newer.calls == 1


@given(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 1), st.floats(0.01, 1))
def test_close_ups_cover_their_box_and_nothing_beyond(x0: float, y0: float, width: float, height: float) -> None:
    box = Box(x0, y0, min(1.0, x0 + width), min(1.0, y0 + height))
    corners = close_ups(box)
    assert min(corner.x0 for corner in corners) == box.x0
    assert min(corner.y0 for corner in corners) == box.y0
    assert max(corner.x1 for corner in corners) == pytest.approx(box.x1)
    assert max(corner.y1 for corner in corners) == pytest.approx(box.y1)
    assert all(corner.area == pytest.approx(0.36 * box.area) for corner in corners)


def test_regions_that_add_nothing_are_left_out() -> None:
    unsure, nearly_whole = Region(LEFT, "top", 0.49), Region(Box(0, 0, 1, 0.9), "dress", 0.99)
    sure = [Region(box, "top", score) for box, score in ((LEFT, 0.5), (RIGHT, 0.8), (TOP, 0.7), (BOTTOM, 0.6))]
    assert worth_indexing([unsure, nearly_whole, *sure]) == [sure[1], sure[2], sure[3]]


@pytest.mark.parametrize(
    ("details", "node"),
    [
        (ProductDetails(category="Women/Tops/Hoodies & Sweatshirts", title="Red shoes"), "hoodie"),
        (ProductDetails(category="New in", title="Leather loafers"), "shoes"),
        (ProductDetails(title="Item 12"), LEAVES[1]),
    ],
)
def test_the_shop_is_believed_before_the_picture(details: ProductDetails, node: str) -> None:
    images = [Extractor(Looking(), Seeing(), FakeCopies(), FakeCache()).extract(ImageSource("1"), photo(7))]
    assert node_of(details, images, LEAVES) == node


def test_all_pictures_have_a_say() -> None:
    extractor = Extractor(Looking(), Seeing(np.array([[0.6, 0.4, 0.0], [0.0, 0.9, 0.1]], np.float32)), FakeCopies(), FakeCache())
    images = [extractor.extract(ImageSource(str(n)), photo(n)) for n in range(2)]
    assert node_of(ProductDetails(), images, LEAVES) == LEAVES[1]


def test_the_node_follows_a_changed_category_only() -> None:
    assert node_after({"category": "Sneakers", "title": "Belt"}) == "shoes"
    assert node_after({"category": "Sale", "title": "Belt"}) == "belt"
    assert node_after({"category": "Sale"}) is None
    assert node_after({"title": "Belt"}) is None
