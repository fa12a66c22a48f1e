"""A model's input: pixels become the floats that it was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from shoplens.models import InputSpec


@pytest.mark.parametrize(
    "spec",
    [
        InputSpec(4, 5),
        InputSpec(4, 5, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        InputSpec(4, 5, colour="bgr", scale=1.0, mean=(1.0, 2.0, 3.0), std=(1.0, 1.0, 1.0)),
    ],
)
def test_every_channel_is_scaled_centred_and_ordered_as_the_manifest_says(spec):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    ordered = pixels[..., ::-1] if spec.colour == "bgr" else pixels
    expected = (ordered * spec.scale - np.array(spec.mean)) / np.array(spec.std)
    values = spec.normalise(pixels)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_channels_come_first_where_the_manifest_says_so():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    values = InputSpec(4, 5, layout="nchw").normalise(pixels)
    assert values.flags.c_contiguous
    np.testing.assert_allclose(values, np.moveaxis(InputSpec(4, 5).normalise(pixels), -1, 1))
