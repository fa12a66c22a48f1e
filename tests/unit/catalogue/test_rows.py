"""Products and regions as rows, and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.catalogue import rows, schema
from shoplens.domain import Box, Price, Product, ProductDetails, ProductImage
from shoplens.errors import InvalidArgument

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(TEXT, st.integers(-(2**53), 2**53), FINITE, st.booleans(), st.lists(TEXT, max_size=3).map(tuple))
MOMENTS = st.datetimes(timezones=st.just(UTC))
DETAILS = st.builds(
    ProductDetails,
    title=TEXT,
    description=TEXT,
    category=TEXT,
    brand=TEXT,
    price=st.none() | st.builds(Price, FINITE, TEXT),
    in_stock=st.booleans(),
    url=TEXT,
    attributes=st.dictionaries(TEXT, VALUES, max_size=3),
)
IMAGES = st.builds(
    rows.StoredImage,
    image=st.builds(
        ProductImage,
        id=TEXT,
        content_hash=TEXT,
        width=st.integers(1, 10**5),
        height=st.integers(1, 10**5),
        uri=st.none() | TEXT,
        page_url=st.none() | TEXT,
        creator=st.none() | TEXT,
        published_at=st.none() | MOMENTS,
    ),
    file=st.just("ab" * 32),
    media_type=TEXT,
    regions=st.integers(1, 9),
)
VECTORS = arrays.arrays(np.float32, st.integers(1, 70), elements=st.floats(width=32, allow_nan=False))


@st.composite
def documents(draw: st.DrawFn) -> rows.Document:
    stored = draw(st.lists(IMAGES, min_size=1, max_size=3).map(tuple))
    product = Product(
        id=draw(TEXT),
        details=draw(DETAILS),
        images=tuple(each.image for each in stored),
        version=draw(st.integers(0, 2**63 - 1)),
        node=draw(TEXT),
        updated_at=draw(MOMENTS),
    )
    return rows.Document(product, stored)


@given(documents())
def test_a_document_comes_back_as_it_was(document: rows.Document) -> None:
    assert rows.document_from_text(rows.document_to_text(document)) == document


@given(VECTORS)
def test_a_vector_comes_back_to_the_bit(vector: np.ndarray) -> None:
    back = rows.vector_from_text(rows.vector_to_text(vector))
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, vector)


@given(st.integers(0, 2**62), st.integers(0, 500), VECTORS)
def test_a_region_comes_back_as_it_was(base: int, image: int, colour: np.ndarray) -> None:
    record = rows.RegionRecord(base, image, Box(0.1, 0.2, 0.30000001, 1.0), colour)
    back = rows.RegionRecord.from_text(record.to_text())
    np.testing.assert_array_equal(back.colour, colour)
    assert replace(back, colour=colour) == record


@given(documents())
def test_whole_frames_stand_at_the_start_of_each_image(document: rows.Document) -> None:
    starts = document.whole_frames()
    assert starts[0] == 0
    ends = [start + image.regions for start, image in zip(starts, document.images, strict=True)]
    assert ends == [*starts[1:], document.rows]


def test_a_product_too_large_for_a_row_is_refused_with_advice() -> None:
    details = ProductDetails(description="é" * (schema.TEXT_BYTES // 2))
    document = rows.Document(Product("big", details, (), 1, "top", datetime.now(UTC)), ())
    with pytest.raises(InvalidArgument, match="shorten its description"):
        rows.document_to_text(document)
