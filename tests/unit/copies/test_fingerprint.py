"""The perceptual fingerprint: near for what was saved anew, the same for what was turned, far for all else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.copies.fingerprint import all_eight, fingerprint
from tests.unit.copies.scenes import scene


def bits_apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.unpackbits(one ^ other).sum())


def turned(pixels: np.ndarray) -> list[np.ndarray]:
    """In the order that ``all_eight`` names."""
    four = [pixels, pixels[:, ::-1], pixels[::-1], pixels[::-1, ::-1]]
    return [*four, *(each.transpose(1, 0, 2) for each in four)]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_one_transform_gives_the_fingerprints_of_all_eight_turns(seed: int) -> None:
    pixels = scene(seed, 200, 200)
    for code, view in zip(all_eight(pixels), turned(pixels), strict=True):
        assert bits_apart(code, fingerprint(np.ascontiguousarray(view))[0]) <= 6


def test_noise_changes_few_bits_and_another_picture_half_of_them() -> None:
    pixels = scene(1)
    noisy = np.clip(pixels + np.random.default_rng(0).normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
    assert bits_apart(fingerprint(pixels), fingerprint(noisy)) < 30
    assert bits_apart(fingerprint(pixels), fingerprint(scene(2))) > 80


@pytest.mark.parametrize("shape", [(1, 1), (8, 700), (700, 8)])
def test_any_shape_has_one(shape: tuple[int, int]) -> None:
    assert all_eight(np.zeros((*shape, 3), np.uint8)).shape == (8, 32)
