"""The detector's geometry, on whatever hypothesis thinks of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.detector.geometry import PADDING, Boxes, Letterbox, areas, overlaps, suppress

sizes = st.integers(1, 3000)
unit = st.floats(0.0, 1.0, width=32)


@st.composite
def box_lists(draw: st.DrawFn, most: int = 12) -> Boxes:
    corners = draw(st.lists(st.tuples(unit, unit, unit, unit), max_size=most))
    rows = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    return np.array(rows, np.float32).reshape(-1, 4)


@given(sizes, sizes, box_lists())
def test_a_box_goes_into_the_input_and_back_unchanged(width: int, height: int, boxes: Boxes) -> None:
    place = Letterbox.fit(width, height, 320, 448)
    np.testing.assert_allclose(place.to_picture(place.to_input(boxes)), boxes, atol=2e-4 * 448 / min(place.width, place.height))


@given(sizes, sizes)
def test_a_picture_fills_the_input_one_way_and_stays_inside(width: int, height: int) -> None:
    place = Letterbox.fit(width, height, 320, 448)
    assert place.width == 320 or place.height == 448
    assert place.left >= 0
    assert place.top >= 0
    assert place.left + place.width <= 320
    assert place.top + place.height <= 448
    # Within the rounding to whole pixels nothing is distorted.
    scale = min(320 / width, 448 / height)
    assert abs(place.width - max(width * scale, 1)) <= 0.5
    assert abs(place.height - max(height * scale, 1)) <= 0.5


@given(sizes, sizes, box_lists())
def test_boxes_outside_the_picture_are_cut_to_it(width: int, height: int, boxes: Boxes) -> None:
    inside = Letterbox.fit(width, height, 320, 448).to_picture(boxes * 3 - 1)
    assert (inside >= 0).all()
    assert (inside <= 1).all()


@pytest.mark.parametrize(("width", "height", "left", "top"), [(640, 448, 0, 112), (100, 448, 110, 0), (320, 448, 0, 0)])
def test_the_picture_is_drawn_in_the_middle_of_grey(width: int, height: int, left: int, top: int) -> None:
    place = Letterbox.fit(width, height, 320, 448)
    drawn = place.draw(np.full((height, width, 3), 255, np.uint8))
    assert drawn.shape == (448, 320, 3)
    assert (place.left, place.top) == (left, top)
    assert (drawn[top : 448 - top, left : 320 - left] == 255).all()
    assert (drawn == 255).sum() == place.width * place.height * 3
    assert set(np.unique(drawn)) <= {255, PADDING}


@given(box_lists(), box_lists())
def test_overlap_is_symmetric_and_a_share(a: Boxes, b: Boxes) -> None:
    iou = overlaps(a, b)
    assert iou.shape == (len(a), len(b))
    assert (iou >= 0).all()
    assert (iou <= 1 + 1e-6).all()
    np.testing.assert_allclose(iou, overlaps(b, a).T)


@given(box_lists())
def test_a_box_with_an_area_overlaps_itself_wholly(boxes: Boxes) -> None:
    boxes = boxes[areas(boxes) > 1e-6]
    np.testing.assert_allclose(np.diag(overlaps(boxes, boxes)), 1.0, atol=1e-5)


def test_overlap_counts_the_common_area_once() -> None:
    a = np.array([[0, 0, 2, 2]], np.float32)
    b = np.array([[1, 0, 3, 2], [2, 2, 3, 3], [0, 0, 2, 1]], np.float32)
    np.testing.assert_allclose(overlaps(a, b), [[1 / 3, 0.0, 0.5]], rtol=1e-6)


@given(box_lists(), st.randoms(use_true_random=False), st.floats(0.1, 0.9))
def test_suppression_keeps_the_best_and_nothing_that_overlaps_it(boxes: Boxes, random: object, threshold: float) -> None:
    boxes = boxes[areas(boxes) > 1e-4]
    scores = np.array([0.01 + 0.99 * random.random() for _ in boxes], np.float32)  # type: ignore[attr-defined]
    kept = suppress(boxes, scores, threshold)
    alike = overlaps(boxes, boxes)
    assert len(set(kept.tolist())) == len(kept)
    assert (np.diff(scores[kept]) <= 0).all()
    for rank, index in enumerate(kept):
        assert (alike[index, kept[:rank]] <= threshold + 1e-5).all()
    for index in set(range(len(boxes))) - set(kept.tolist()):
        assert any(alike[index, other] > threshold - 1e-5 and scores[other] >= scores[index] for other in kept)


def test_suppression_of_nothing_is_nothing() -> None:
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []
