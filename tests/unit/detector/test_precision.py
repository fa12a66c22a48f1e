"""The measure itself: matches and average precision worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.detector.precision import Outcome, average_precision, judge

BOX = [0.0, 0.0, 1.0, 1.0]
HALF = [0.0, 0.0, 1.0, 0.45]


def outcome(scores: list[float], right: list[bool], labelled: int) -> Outcome:
    return Outcome(np.array(scores, np.float32), np.array(right), labelled)


def test_a_second_detection_of_the_same_box_is_wrong() -> None:
    judged = judge(np.array([BOX, BOX], np.float32), np.array([0.6, 0.9], np.float32), np.array([BOX], np.float32))
    assert judged.scores.tolist() == pytest.approx([0.9, 0.6])
    assert judged.right.tolist() == [True, False]


def test_less_than_half_an_overlap_is_wrong() -> None:
    judged = judge(np.array([HALF], np.float32), np.array([0.9], np.float32), np.array([BOX], np.float32))
    assert judged.right.tolist() == [False]


def test_all_found_and_nothing_else_is_one() -> None:
    assert average_precision([outcome([0.9], [True], 1), outcome([0.2], [True], 1)]) == 1.0


def test_scores_order_across_photos() -> None:
    # By score: right, wrong, right; of two labelled boxes. Precision 1 up to recall 1/2, then 2/3.
    found = [outcome([0.9, 0.7], [True, False], 1), outcome([0.5], [True], 1)]
    assert average_precision(found) == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)


def test_what_is_missed_counts_as_nothing() -> None:
    assert average_precision([outcome([0.9], [True], 4)]) == pytest.approx(0.25)


def test_a_class_without_labels_has_no_precision() -> None:
    assert math.isnan(average_precision([outcome([0.9], [False], 0)]))
