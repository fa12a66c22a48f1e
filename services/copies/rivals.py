"""Of pictures that a query shows in the same place only one can be its original, unless they are copies of each other.

A shop has one photo in six colours; an edit that leaves little of the colour (grey, a veil, noise) leaves all six likely. The
likeliest of them is told, and the others with it only where they are known to be the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Change, Copy

_SAME_PLACE = 0.6
"""Intersection over union of the two places in the query."""

_UNIT = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float64)


def without_rivals(copies: Sequence[Copy], same: Callable[[str, str], bool]) -> list[Copy]:
    """``copies`` (the likeliest first) without those that are in the place of a likelier one and not the ``same`` picture."""
    kept: list[tuple[Copy, NDArray[np.float32]]] = []
    for copy in copies:
        place = _place(copy.change)
        in_place = [better for better, other in kept if _intersection_over_union(place, other) >= _SAME_PLACE]
        if all(same(copy.content_hash, better.content_hash) for better in in_place):
            kept.append((copy, place))
    return [copy for copy, _ in kept]


def _place(change: Change) -> NDArray[np.float32]:
    """The part of the query that shows the picture: a convex polygon ``[n, 2]`` in the query's relative coordinates."""
    back = np.linalg.inv(np.vstack([np.asarray(change.affine), [0, 0, 1]]))
    landed = cv2.convexHull(cv2.perspectiveTransform(_UNIT, back)[0].astype(np.float32))
    _, within = cv2.intersectConvexConvex(landed, _UNIT[0].astype(np.float32))
    return np.zeros((0, 2), np.float32) if within is None else np.asarray(within[:, 0], np.float32)


def _intersection_over_union(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if len(one) < 3 or len(other) < 3:
        return 0.0
    common, _ = cv2.intersectConvexConvex(one, other)
    return float(common / (cv2.contourArea(one) + cv2.contourArea(other) - common + 1e-9))
