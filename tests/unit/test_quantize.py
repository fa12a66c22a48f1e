"""Models in integers: nothing but time is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from services.detector.engine import LiteRtDetector
from services.encoder.engine import LiteRtEncoder
from shoplens.domain import WHOLE_FRAME, Box, Picture
from shoplens.model_store import model_folder
from shoplens.models import LiteRtModel, Manifest
from tests.unit.detector.test_shipped_model import somebody
from tests.unit.encoder.garments import garment

quantize = pytest.importorskip("training.quantize", reason="quantising needs the extra `train`")

BOXES = (WHOLE_FRAME, Box(0.1, 0.1, 0.9, 0.7))


@pytest.mark.parametrize(("dye", "print_"), [("red", "stripes"), ("green", "plain"), ("blue", "dots")])
def test_the_shipped_encoder_sees_what_the_float_one_sees(dye: str, print_: str) -> None:
    whole, integer = (LiteRtEncoder(model_folder("encoder", version=version)) for version in ("2", "4"))
    pixels = garment(dye, print_)
    picture = Picture(pixels, "garment", pixels.shape[1], pixels.shape[0])
    for expected, found in zip(whole.encode(picture, BOXES), integer.encode(picture, BOXES), strict=True):
        assert float(expected.embedding @ found.embedding) > 0.97
        assert float(expected.colour @ found.colour) > 0.99


def test_the_shipped_detector_finds_what_the_float_one_finds() -> None:
    whole, integer = (LiteRtDetector(model_folder("detector", version=version)) for version in ("3", "4"))
    expected, found = ([each for each in detector.detect(somebody()) if each.score > 0.5] for detector in (whole, integer))
    assert Counter(each.category for each in found) == Counter(each.category for each in expected)
    for one, other in zip(sorted(expected, key=_place), sorted(found, key=_place), strict=True):
        np.testing.assert_allclose(other.box.as_tuple(), one.box.as_tuple(), atol=0.05)
        assert other.score == pytest.approx(one.score, abs=0.1)


def _place(region) -> tuple:
    return (region.category, region.box.x0)


@pytest.fixture(scope="module")
def source() -> Manifest:
    return Manifest.load(model_folder("encoder", version="2"))


@pytest.fixture(scope="module")
def fed(source: Manifest) -> np.ndarray:
    recipe = quantize.RECIPES["encoder"]
    return quantize.inputs(recipe, source.input, [garment(dye, "stripes") for dye in ("red", "green", "blue")])


@pytest.fixture(scope="module")
def full(source: Manifest) -> bytes:
    return quantize.in_full(source.path)


def test_weights_unpacked_once_compute_the_same_as_weights_unpacked_each_time(source: Manifest, full: bytes, fed: np.ndarray) -> None:
    shipped, unpacked = LiteRtModel(source.path)(fed), quantize.outputs(full, fed)
    assert shipped.keys() == unpacked.keys()
    for name, expected in shipped.items():
        np.testing.assert_allclose(unpacked[name], expected, atol=1e-4)


def test_only_the_layers_that_are_named_become_integers(full: bytes, fed: np.ndarray, tmp_path: Path) -> None:
    quantiser = quantize.Quantiser(full, fed)
    few, many = quantiser.quantised("block12_"), quantiser.quantised("block")
    assert len(many) < len(few) < len(full)
    expected = quantize.outputs(full, fed)
    little, much = (quantize.deviations(quantize.outputs(made, fed), expected)["embedding"] for made in (few, many))
    assert 0.0 < little < much < 0.5


def test_a_model_that_differs_nowhere_deviates_by_nothing(full: bytes, fed: np.ndarray) -> None:
    made = quantize.outputs(full, fed)
    assert set(quantize.deviations(made, made).values()) == {0.0}
