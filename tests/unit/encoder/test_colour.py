"""The colour signature: a distribution over colours, blind to place, size and what the mask leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.encoder.colour import WIDTH, colour_signature
from shoplens.domain import Pixels

ALL = np.ones((7, 7), np.float32)


def plain(red: int, green: int, blue: int) -> Pixels:
    return np.full((50, 40, 3), (red, green, blue), np.uint8)


@given(arrays(np.uint8, (9, 11, 3)), st.floats(0, 1))
def test_it_is_a_unit_vector_without_negatives(pixels: Pixels, cover: float) -> None:
    signature = colour_signature(pixels, np.full((7, 7), cover, np.float32))
    assert signature.shape == (WIDTH,)
    assert signature.dtype == np.float32
    assert signature.min() >= 0
    assert np.linalg.norm(signature) == pytest.approx(1, abs=1e-5)


def test_red_is_nearer_to_dark_red_than_to_blue() -> None:
    red, dark_red, blue = (colour_signature(plain(*colour), ALL) for colour in ((200, 30, 30), (165, 25, 25), (30, 30, 200)))
    assert red @ dark_red > 0.6
    assert red @ blue < 0.2


def test_a_slight_change_of_light_changes_little() -> None:
    before, after = (colour_signature(plain(*colour), ALL) for colour in ((120, 90, 60), (126, 95, 63)))
    assert before @ after > 0.95


def test_place_does_not_matter() -> None:
    photo = np.vstack([plain(200, 30, 30), plain(30, 30, 200)])
    assert colour_signature(photo, ALL) @ colour_signature(photo[::-1, ::-1], ALL) == pytest.approx(1, abs=1e-4)


def test_shares_matter() -> None:
    half = np.vstack([plain(200, 30, 30)] * 2 + [plain(30, 30, 200)] * 2)
    mostly_red = np.vstack([plain(200, 30, 30)] * 3 + [plain(30, 30, 200)])
    red = colour_signature(plain(200, 30, 30), ALL)
    assert red @ colour_signature(mostly_red, ALL) > red @ colour_signature(half, ALL)


def test_what_the_mask_leaves_out_does_not_count() -> None:
    photo = np.vstack([plain(200, 30, 30), plain(255, 255, 255)])
    upper = np.vstack([np.ones((32, 64)), np.zeros((32, 64))]).astype(np.float32)
    assert colour_signature(photo, upper) @ colour_signature(plain(200, 30, 30), ALL) > 0.99


def test_an_empty_mask_counts_everything() -> None:
    photo = np.vstack([plain(200, 30, 30), plain(30, 30, 200)])
    np.testing.assert_allclose(colour_signature(photo, np.zeros((7, 7), np.float32)), colour_signature(photo, ALL), atol=1e-6)
