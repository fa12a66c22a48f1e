"""Average precision as PASCAL VOC counts it since 2010: the whole area under the monotone precision-recall curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.detector.geometry import Boxes, overlaps


@dataclass(frozen=True, slots=True)
class Outcome:
    """One photo's detections of one class, judged: ``scores [n]``, ``right [n]``, and how many boxes there were."""

    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    labelled: int


def judge(boxes: Boxes, scores: NDArray[np.float32], labelled: Boxes, iou: float = 0.5) -> Outcome:
    """Each detection, best first, is right where it overlaps a labelled box that no better one has taken."""
    order = np.argsort(-scores, kind="stable")
    right = np.zeros(len(order), np.bool_)
    free = np.ones(len(labelled), np.bool_)
    alike = overlaps(boxes, labelled)
    for rank, index in enumerate(order):
        match = np.where(free, alike[index], -1.0)
        if len(match) and match.max() >= iou:
            free[match.argmax()], right[rank] = False, True
    return Outcome(scores[order], right, len(labelled))


def average_precision(outcomes: Sequence[Outcome]) -> float:
    """Over all photos of one class; NaN where nothing is labelled."""
    labelled = sum(outcome.labelled for outcome in outcomes)
    if labelled == 0:
        return float("nan")
    order = np.argsort(-np.concatenate([outcome.scores for outcome in outcomes]), kind="stable")
    hits = np.cumsum(np.concatenate([outcome.right for outcome in outcomes])[order])
    precision = hits / np.arange(1, len(hits) + 1)
    recall = np.concatenate([[0.0], hits / labelled])
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * best_from_here))
