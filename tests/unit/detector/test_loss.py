"""What the detector is taught: small cases with a known order of costs."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs the train extra")

from training.detector.loss import Targets, detection_loss, overlaps

CENTRES = np.array([[20.0, 20.0, 8.0], [60.0, 20.0, 8.0], [20.0, 60.0, 8.0], [60.0, 60.0, 8.0]] * 3, np.float32)
LABELLED = [10.0, 10.0, 30.0, 30.0]


def targets(*, judged: tuple[float, float] = (1.0, 1.0), padding: int = 1) -> Targets:
    """One box of class 0 around the first location; class 1 is nowhere."""
    boxes = np.zeros((1, 1 + padding, 4), np.float32)
    present = np.zeros((1, 1 + padding, 2), np.float32)
    boxes[0, 0], present[0, 0, 0] = LABELLED, 1.0
    return Targets(boxes, present, np.array([judged], np.float32))


def cost(*, box: list[float] = LABELLED, score: float = 4.0, alarm: float = -6.0, wanted: Targets | None = None) -> float:
    """The loss where location 0 proposes ``box`` for class 0, and location 3 raises ``alarm`` for class 1 (logits)."""
    logits = np.full((1, 12, 2), -6.0, np.float32)
    logits[0, [0, 4, 8], 0], logits[0, 3, 1] = score, alarm
    return float(detection_loss(logits, everywhere(box), CENTRES, wanted or targets()))


def everywhere(box: list[float]) -> np.ndarray:
    """Each location proposes the same box for both classes."""
    return np.broadcast_to(np.array(box, np.float32), (1, 12, 2, 4)).copy()


def test_saying_it_surely_costs_less_than_doubting() -> None:
    assert cost(score=4.0) < cost(score=0.0) < cost(score=-4.0)


def test_a_better_box_costs_less() -> None:
    assert cost() < cost(box=[12.0, 10.0, 32.0, 30.0]) < cost(box=[20.0, 20.0, 45.0, 45.0])


def test_a_false_alarm_costs_unless_nobody_has_judged() -> None:
    unjudged = targets(judged=(1.0, 0.0))
    assert cost(alarm=3.0) > cost() + 0.1
    assert cost(alarm=3.0, wanted=unjudged) == pytest.approx(cost(alarm=-6.0, wanted=unjudged), abs=1e-6)


def test_padding_changes_nothing() -> None:
    assert cost(wanted=targets(padding=5)) == pytest.approx(cost(wanted=targets(padding=0)), rel=1e-5)


def test_a_picture_without_labels_has_a_finite_cost() -> None:
    empty = Targets(*(np.zeros(shape, np.float32) for shape in ((1, 3, 4), (1, 3, 2))), np.ones((1, 2), np.float32))
    assert 0.0 <= cost(score=-6.0, wanted=empty) < cost(score=4.0, wanted=empty) < 50.0


def test_distance_punishes_boxes_that_do_not_even_touch() -> None:
    a, near, far = (np.array([box], np.float32) for box in ([0, 0, 10, 10], [20, 0, 30, 10], [80, 0, 90, 10]))
    iou, closer = overlaps(a, near)
    _, farther = overlaps(a, far)
    assert float(iou[0]) == 0.0
    assert float(farther[0]) < float(closer[0]) < 0.0
    assert float(overlaps(a, a)[1][0]) == pytest.approx(1.0, abs=1e-4)
