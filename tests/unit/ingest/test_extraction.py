"""What is kept of a picture, and which node a product gets."""

from __future__ import annotations

import numpy as np
import pytest

from services.ingest.category import node_after, node_of
from services.ingest.extraction import Extractor, worth_indexing
from shoplens.domain import WHOLE_FRAME, Box, ImageSource, ProductDetails, Region
from tests.unit.ingest.doubles import LEAVES, Looking, Seeing, photo

LEFT, RIGHT, TOP, BOTTOM = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1), Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1)


def test_the_frame_and_the_best_regions() -> None:
    regions = [Region(LEFT, "top", 0.6), Region(RIGHT, "shoes", 0.9)]
    indexed = Extractor(Looking(regions), Seeing()).extract(ImageSource("front", page_url="https://shop.example/p", creator="C"), photo(7))
    assert [(region.box, region.category) for region in indexed.regions] == [(WHOLE_FRAME, LEAVES[1]), (RIGHT, "shoes"), (LEFT, "top")]
    assert (indexed.image.id, indexed.image.width, indexed.image.height) == ("front", 40, 30)
    assert (indexed.image.page_url, indexed.image.creator) == ("https://shop.example/p", "C")
    assert indexed.content == photo(7)
    assert indexed.media_type == "image/png"
    assert {region.features.content_hash for region in indexed.regions} == {indexed.image.content_hash}


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
    images = [Extractor(Looking(), Seeing()).extract(ImageSource("1"), photo(7))]
    assert node_of(details, images, LEAVES) == node


def test_all_pictures_have_a_say() -> None:
    extractor = Extractor(Looking(), Seeing(np.array([[0.6, 0.4, 0.0], [0.0, 0.9, 0.1]], np.float32)))
    images = [extractor.extract(ImageSource(str(n)), photo(n)) for n in range(2)]
    assert node_of(ProductDetails(), images, LEAVES) == LEAVES[1]


def test_the_node_follows_a_changed_category_only() -> None:
    assert node_after({"category": "Sneakers", "title": "Belt"}) == "shoes"
    assert node_after({"category": "Sale", "title": "Belt"}) == "belt"
    assert node_after({"category": "Sale"}) is None
    assert node_after({"title": "Belt"}) is None
