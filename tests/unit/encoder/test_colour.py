"""The colour signature: a distribution over colours, blind to place, size and what the mask leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.encoder.colour import BINS, ColourSignature, colour_histogram
from shoplens.domain import Pixels, Vector
from shoplens.model_store import model_folder
from shoplens.models import ModelError

ALL = np.ones((7, 7), np.float32)
SHIPPED = ColourSignature.load(model_folder("encoder") / "colours.npy")


def plain(red: int, green: int, blue: int) -> Pixels:
    return np.full((50, 40, 3), (red, green, blue), np.uint8)


def colour_signature(pixels: Pixels, mask: np.ndarray) -> Vector:
    return SHIPPED(pixels, mask)


@given(arrays(np.uint8, (9, 11, 3)), st.floats(0, 1))
def test_a_histogram_is_a_unit_vector_without_negatives(pixels: Pixels, cover: float) -> None:
    histogram = colour_histogram(pixels, np.full((7, 7), cover, np.float32))
    assert histogram.shape == (BINS,)
    assert histogram.dtype == np.float32
    assert histogram.min() >= 0
    assert np.linalg.norm(histogram) == pytest.approx(1, abs=1e-5)


@given(arrays(np.uint8, (9, 11, 3)))
def test_a_signature_is_a_unit_vector_of_the_models_width(pixels: Pixels) -> None:
    signature = colour_signature(pixels, ALL)
    assert signature.shape == (SHIPPED.width,)
    assert signature.dtype == np.float32
    assert np.linalg.norm(signature) == pytest.approx(1, abs=1e-5)


def test_the_short_signature_keeps_how_alike_histograms_are() -> None:
    rng = np.random.default_rng(4)
    # Pictures of a few colours each, as clothes are; noise of all colours is what no principal axis was made for.
    pictures = [np.repeat(rng.integers(0, 256, (1, 3, 3), np.uint8), 6, axis=0) for _ in range(40)]
    whole = np.stack([colour_histogram(pixels, ALL) for pixels in pictures])
    short = np.stack([colour_signature(pixels, ALL) for pixels in pictures])
    assert np.corrcoef((whole @ whole.T).ravel(), (short @ short.T).ravel())[0, 1] > 0.8


def test_navy_is_told_from_black() -> None:
    navy, black = (colour_signature(plain(*colour), ALL) for colour in ((25, 30, 65), (22, 22, 24)))
    assert navy @ black < 0.5


def test_a_projection_for_other_histograms_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "colours.npy", np.ones((7, 3), np.float16))
    with pytest.raises(ModelError, match="other histograms"):
        ColourSignature.load(tmp_path / "colours.npy")
    (tmp_path / "colours.npy").write_bytes(b"no array")
    with pytest.raises(ModelError, match="no projection"):
        ColourSignature.load(tmp_path / "colours.npy")


def test_red_is_nearer_to_dark_red_than_to_blue() -> None:
    red, dark_red, blue = (colour_signature(plain(*colour), ALL) for colour in ((200, 30, 30), (165, 25, 25), (30, 30, 200)))
    assert float(red @ dark_red) > 0.4
    assert float(red @ blue) < 0.1


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
