"""Pixel against pixel: what follows one rule for all colours is a copy, what does not is seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from services.copies.agreement import CHANNELS, GRID, Agreement, agreement
from shoplens.domain import Pixels
from tests.unit.copies.scenes import scene

SAME = np.eye(3)


def agreed(query: Pixels, reference: Pixels, matrix: np.ndarray = SAME) -> Agreement:
    found = agreement(np.ascontiguousarray(query), reference, matrix)
    assert found is not None
    return found


def hues_turned(pixels: Pixels, by: int) -> Pixels:
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + by) % 180
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def dyed(pixels: Pixels) -> Pixels:
    """One part in another colour, as shops recolour a garment; its edges and all else stay."""
    result = pixels.copy()
    part = np.zeros(pixels.shape[:2], np.uint8)
    cv2.ellipse(part, (120, 150), (70, 90), 0, 0, 360, 1, -1)
    result[part > 0] = hues_turned(pixels, 60)[part > 0]
    return result


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        (scene(4), "none"),
        (hues_turned(scene(4), 50), "hue"),
        (np.repeat(cv2.cvtColor(scene(4), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2), "grey"),
        (np.clip(scene(4) * np.array([1.1, 0.8, 0.6]) + 10, 0, 255).astype(np.uint8), "none"),
    ],
    ids=["same", "hues turned", "grey", "another white balance"],
)
def test_what_was_done_to_all_colours_alike_is_named_and_leaves_nothing_over(query: Pixels, rule: str) -> None:
    found = agreed(query, scene(4))
    assert found.rule == rule
    assert found.recoloured < 0.02
    assert found.structure > 0.7
    assert (found.overlap, found.query_overlap) == pytest.approx((1, 1))


def test_a_part_that_was_dyed_is_seen_as_recoloured_and_not_as_covered() -> None:
    found = agreed(dyed(scene(4)), scene(4))
    assert found.recoloured > 0.05
    assert found.covered < found.recoloured / 2


def test_a_sticker_is_seen_as_covering_more_than_recolouring() -> None:
    query = scene(4)
    query[80:200, 60:180] = scene(5)[80:200, 60:180]
    found = agreed(query, scene(4))
    assert found.covered > 0.05
    assert found.covered > found.recoloured


def test_the_maps_show_where() -> None:
    query = scene(4)
    query[:150] = 255 - query[:150]
    maps = agreed(query, scene(4)).maps
    assert maps.shape == (GRID, GRID, CHANNELS)
    counted = maps[..., 12] > 0
    rows = np.arange(GRID)[:, None] < counted.any(axis=1).sum() / 2
    assert maps[..., 9][counted & rows].mean() > 4 * maps[..., 9][counted & ~rows].mean()
    assert not maps[~counted].any()


def test_overlaps_are_shares_of_either_picture() -> None:
    reference = scene(6)
    # The query shows the reference's upper left quarter in its own right half.
    query = np.hstack([np.zeros((150, 120, 3), np.uint8), reference[:150, :120]])
    found = agreed(query, reference, np.array([[1.0, 0, -0.5], [0, 0.5, 0], [0, 0, 1]]))
    assert found.overlap == pytest.approx(0.25, abs=0.01)
    assert found.query_overlap == pytest.approx(0.5, abs=0.01)


def test_pictures_that_do_not_overlap_say_nothing() -> None:
    assert agreement(scene(1), scene(1), np.array([[1.0, 0, 2], [0, 1, 0], [0, 0, 1]])) is None
