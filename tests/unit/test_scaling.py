"""Scaling: any size to any size, flat stays flat, and fine patterns average out instead of aliasing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoplens.scaling import scaled

sides = st.integers(1, 300)


@given(sides, sides, sides, sides, st.integers(0, 255))
def test_a_flat_picture_stays_flat_at_any_size(width, height, to_width, to_height, grey):
    small = scaled(np.full((height, width, 3), grey, np.uint8), to_width, to_height)
    assert small.shape == (to_height, to_width, 3)
    assert np.all(small == grey)


def test_a_fine_pattern_averages_out():
    checks = np.indices((512, 512)).sum(axis=0) % 2 * 255
    small = scaled(np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8), 64, 64)
    assert np.all(np.abs(small.astype(int) - 127) <= 1)


def test_the_right_size_is_left_alone():
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    assert scaled(pixels, 7, 5) is pixels
