"""How the engine turns raw outputs into detections: on made-up outputs, no model needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.detector.engine import Calibration, Found, Selection, select
from services.detector.geometry import Letterbox

AS_IT_IS = Calibration(slope=1.0, offset=0.0)
PLAIN = Selection(floor=0.05, same_class=0.5, any_class=0.9, limit=20, free=AS_IT_IS, guided=AS_IT_IS)
WHOLE = Letterbox.fit(320, 448, 320, 448)
TOP, COAT = 0, 1
LEFT, RIGHT = (0.1, 0.1, 0.4, 0.6), (0.6, 0.1, 0.9, 0.6)


def detections(*found: tuple[int, float, tuple[float, float, float, float]], selection: Selection = PLAIN, **options: int) -> Found:
    """Each of ``found`` (class, raw score, box) at a location of its own, two classes known."""
    scores, boxes = np.zeros((len(found), 2), np.float32), np.zeros((len(found), 2, 4), np.float32)
    for location, (index, score, box) in enumerate(found):
        scores[location, index], boxes[location, index] = score, box
    return select(scores, boxes, WHOLE, selection, **options)


def test_the_best_comes_first() -> None:
    found = detections((TOP, 0.3, LEFT), (COAT, 0.8, RIGHT))
    assert found.classes.tolist() == [COAT, TOP]
    np.testing.assert_allclose(found.scores, [0.8, 0.3], rtol=1e-5)
    np.testing.assert_allclose(found.boxes, [RIGHT, LEFT], atol=1e-6)


def test_of_two_boxes_of_one_thing_the_better_stays() -> None:
    found = detections((TOP, 0.6, LEFT), (TOP, 0.7, (0.1, 0.1, 0.4, 0.5)))
    np.testing.assert_allclose(found.scores, [0.7], rtol=1e-5)


def test_a_top_under_a_coat_stays_beside_it() -> None:
    found = detections((COAT, 0.7, LEFT), (TOP, 0.6, (0.12, 0.12, 0.38, 0.55)))
    assert found.classes.tolist() == [COAT, TOP]


def test_one_box_has_one_class() -> None:
    found = detections((COAT, 0.7, LEFT), (TOP, 0.6, LEFT))
    assert found.classes.tolist() == [COAT]


def test_a_guide_silences_the_other_classes() -> None:
    found = detections((COAT, 0.7, LEFT), (TOP, 0.3, LEFT), only=TOP)
    assert found.classes.tolist() == [TOP]
    np.testing.assert_allclose(found.scores, [0.3], rtol=1e-5)


def test_noise_and_empty_boxes_are_dropped() -> None:
    outside = (1.2, 0.1, 1.5, 0.4)
    assert len(detections((TOP, 0.04, LEFT), (COAT, 0.9, outside)).scores) == 0


def test_at_most_limit_regions() -> None:
    spots = [(TOP, 0.5, (0.03 * n, 0.0, 0.03 * n + 0.02, 0.02)) for n in range(30)]
    assert len(detections(*spots).scores) == 20


def test_nothing_seen_is_nothing_found() -> None:
    found = select(np.zeros((5, 2), np.float32), np.zeros((5, 2, 4), np.float32), WHOLE, PLAIN)
    assert found.boxes.shape == (0, 4)


def test_a_guide_has_a_calibration_of_its_own() -> None:
    surer = replace(PLAIN, guided=Calibration(slope=1.0, offset=2.0))
    assert detections((TOP, 0.3, LEFT), selection=surer).scores == pytest.approx(0.3)
    assert detections((TOP, 0.3, LEFT), selection=surer, only=TOP).scores[0] > 0.7


@pytest.mark.parametrize(("raw", "means"), [(0.0, 0.0), (0.5, 0.8), (1.0, 1.0)])
def test_calibration_follows_its_curve(raw: float, means: float) -> None:
    calibration = Calibration(slope=2.0, offset=float(np.log(4.0)))
    np.testing.assert_allclose(calibration(np.array([raw], np.float32)), [means], atol=1e-4)


def test_calibration_keeps_the_order() -> None:
    calibrated = Calibration(slope=0.7, offset=1.0)(np.linspace(0, 1, 101, dtype=np.float32))
    assert (np.diff(calibrated) >= 0).all()
