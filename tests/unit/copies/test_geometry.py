"""Where a query lies in a catalogue picture: found for what was moved, mirrored and cut; not found for strangers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.copies.geometry import nearest_affine, place
from services.copies.keypoints import KeypointExtractor
from shoplens.domain import Pixels
from tests.unit.copies.scenes import scene

UNIT = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float64)


def placed(extractor: KeypointExtractor, query: Pixels, reference: Pixels):
    query, reference = np.ascontiguousarray(query), np.ascontiguousarray(reference)
    sizes = query.shape[1::-1], reference.shape[1::-1]
    return place(extractor.of_query(query), extractor.of_reference(reference), *sizes)


@settings(deadline=None, max_examples=15)
@given(angle=st.floats(-180, 180), scale=st.floats(0.6, 1.4), mirrored=st.booleans(), seed=st.integers(0, 50))
def test_a_picture_that_was_turned_scaled_and_mirrored_is_placed_to_a_hundredth(
    extractor: KeypointExtractor, angle: float, scale: float, mirrored: bool, seed: int
) -> None:
    reference = scene(seed)
    height, width = reference.shape[:2]
    shown = reference[:, ::-1] if mirrored else reference
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale), [0, 0, 1]])
    turn = np.array([[1, 0, 100], [0, 1, 70], [0, 0, 1]]) @ turn
    size = (width + 200, height + 140)
    query = cv2.warpPerspective(np.ascontiguousarray(shown), turn, size, borderValue=(90, 90, 90))
    found = placed(extractor, query, reference)
    assert found is not None
    assert found.mirrored == mirrored
    forward = np.diag([1 / size[0], 1 / size[1], 1]) @ turn @ np.diag([width, height, 1.0])
    if mirrored:
        forward = forward @ np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1.0]])
    landed = cv2.perspectiveTransform(cv2.perspectiveTransform(UNIT, forward), found.matrix)
    assert np.linalg.norm((landed - UNIT)[0], axis=1).mean() < 0.02


def test_a_cut_out_part_is_placed_where_it_was(extractor: KeypointExtractor) -> None:
    reference = scene(3)
    found = placed(extractor, reference[60:240, 40:200], reference)
    assert found is not None
    landed = cv2.perspectiveTransform(UNIT, found.matrix)[0]
    assert landed[0] == pytest.approx([40 / 240, 60 / 300], abs=0.01)
    assert landed[2] == pytest.approx([200 / 240, 240 / 300], abs=0.01)


def test_few_features_of_a_stranger_agree(extractor: KeypointExtractor) -> None:
    found = placed(extractor, scene(1), scene(2))
    assert found is None or found.inliers < found.matches / 4


@pytest.mark.parametrize("pixels", [np.zeros((1, 1, 3), np.uint8), np.full((200, 300, 3), 127, np.uint8)])
def test_a_picture_without_features_is_placed_nowhere(extractor: KeypointExtractor, pixels: Pixels) -> None:
    assert placed(extractor, pixels, scene(1)) is None
    assert placed(extractor, scene(1), pixels) is None


@given(st.tuples(*[st.floats(-2, 2) for _ in range(6)]))
def test_an_affine_map_is_its_own_nearest(values: tuple[float, ...]) -> None:
    affine = np.array(values).reshape(2, 3)
    assert nearest_affine(np.vstack([affine, [0, 0, 1]])) == pytest.approx(affine, abs=1e-6)
