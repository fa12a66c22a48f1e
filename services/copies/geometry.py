"""From matched local features to where a query lies in a catalogue picture.

Each match of two features votes for a similarity transform (Lowe 2004); the strongest agreement is kept, and a homography or
an affine map is fitted to it by MAGSAC++ (Barath et al. 2020). All maps are from the query's relative coordinates to the
catalogue picture's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.copies.keypoints import Keypoints, QueryKeypoints

_LEAST_INSIDE = 6
"""Points of a grid over the query that must land in the picture to stand for it."""

Matrix = NDArray[np.float64]

_RATIO = 0.88
"""A match must be so much nearer than the next best (Lowe's test)."""

_ANGLE_BIN = np.radians(30)
_SCALE_BIN = 1.0
"""Of log2."""

_PLACE_BIN = 0.25
_TOLERANCE = 0.012
"""How far a point may land from its match, in parts of the catalogue picture's longer side."""

_LEAST = 4
_SLANTED = 14
"""Matches from which a homography is trusted; fewer give an affine map."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the query lies: ``matrix`` ``[3, 3]``, and how many matched features agree."""

    matrix: Matrix
    inliers: int
    matches: int
    mirrored: bool


def place(query: QueryKeypoints, reference: Keypoints, query_size: tuple[int, int], reference_size: tuple[int, int]) -> Placement | None:
    """The better placement of the two, as it is and mirrored; None where features do not agree. Sizes: width, height."""
    # In units of the longer side, so that angles and lengths are true.
    stretch_query = np.array(query_size, np.float64) / max(query_size)
    stretch_reference = np.array(reference_size, np.float64) / max(reference_size)
    sides = [
        _agreed(keypoints, reference, stretch_query, stretch_reference, mirrored=mirrored)
        for mirrored, keypoints in ((False, query.upright), (True, query.mirrored))
    ]
    best: Placement | None = None
    for side in sorted(sides, key=lambda side: -len(side.source)):
        # A map is fitted to no more than agree, so the side with fewer need not be tried where the other does as well.
        if len(side.source) > (_LEAST - 1 if best is None else best.inliers):
            placement = _placed(side, stretch_query, stretch_reference)
            if placement is not None and (best is None or placement.inliers > best.inliers):
                best = placement
    return best


@dataclass(frozen=True, slots=True)
class _Agreed:
    """Points of the query ``source [n, 2]`` and of the picture ``target [n, 2]`` that match and agree on one transform, of ``matches``."""

    source: Matrix
    target: Matrix
    matches: int
    mirrored: bool


def _agreed(query: Keypoints, reference: Keypoints, stretch_query: Matrix, stretch_reference: Matrix, *, mirrored: bool) -> _Agreed:
    nothing = np.zeros((0, 2))
    if len(query) < _LEAST or len(reference) < _LEAST:
        return _Agreed(nothing, nothing, 0, mirrored)
    of_query, of_reference = _matches(query, reference)
    if len(of_query) < _LEAST:
        return _Agreed(nothing, nothing, len(of_query), mirrored)
    source, target = query.points[of_query] * stretch_query, reference.points[of_reference] * stretch_reference
    chosen = _agreeing(query, reference, of_query, of_reference, source, target)
    return _Agreed(source[chosen], target[chosen], len(of_query), mirrored)


def _placed(agreed: _Agreed, stretch_query: Matrix, stretch_reference: Matrix) -> Placement | None:
    matrix, inliers = _fitted(agreed.source, agreed.target)
    if matrix is None or inliers < _LEAST:
        return None
    relative = np.diag([*(1 / stretch_reference), 1.0]) @ matrix @ np.diag([*stretch_query, 1.0])
    if agreed.mirrored:
        relative = relative @ np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]])
    return Placement(relative / relative[2, 2], inliers, agreed.matches, agreed.mirrored)


def _matches(query: Keypoints, reference: Keypoints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the query and the reference that match, by nearest neighbour and ratio test."""
    a, b = query.descriptors.astype(np.float32), reference.descriptors.astype(np.float32)
    distances = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * a @ b.T
    nearest = distances.argmin(axis=1)
    rows = np.arange(len(a))
    best = distances[rows, nearest]
    distances[rows, nearest] = np.inf
    passed = best < _RATIO**2 * distances.min(axis=1)
    return rows[passed], nearest[passed]


def _agreeing(
    query: Keypoints,
    reference: Keypoints,
    of_query: NDArray[np.intp],
    of_reference: NDArray[np.intp],
    source: Matrix,
    target: Matrix,
) -> NDArray[np.intp]:
    """The matches whose own similarity transforms are near that of the match with the most such neighbours."""
    turn = reference.angles[of_reference] - query.angles[of_query]
    zoom = np.log2((reference.sizes[of_reference] + 1e-6) / (query.sizes[of_query] + 1e-6))
    cosine, sine, factor = np.cos(turn), np.sin(turn), np.exp2(zoom)
    # Where the match's transform sends the middle of all matched query points.
    middle = source.mean(axis=0)
    away = middle - source
    sent = target + factor[:, None] * np.stack([cosine * away[:, 0] - sine * away[:, 1], sine * away[:, 0] + cosine * away[:, 1]], axis=1)
    turned = np.abs((turn[:, None] - turn[None] + np.pi) % (2 * np.pi) - np.pi)
    zoomed = np.abs(zoom[:, None] - zoom[None])
    moved = np.linalg.norm(sent[:, None] - sent[None], axis=2)
    near = (turned < _ANGLE_BIN) & (zoomed < _SCALE_BIN) & (moved < _PLACE_BIN * np.maximum(1.0, factor)[:, None])
    return np.flatnonzero(near[near.sum(axis=1).argmax()])


def _fitted(source: Matrix, target: Matrix) -> tuple[Matrix | None, int]:
    cv2.setRNGSeed(1)
    affine, mask = cv2.estimateAffine2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE * 1.5, maxIters=500)
    if affine is None or not _sane(np.vstack([affine, [0, 0, 1]])):
        return None, 0
    best, inliers = np.vstack([affine, [0, 0, 1]]), int(mask.sum())
    if inliers >= _SLANTED:
        slanted, mask = cv2.findHomography(source, target, cv2.USAC_MAGSAC, _TOLERANCE, maxIters=1000, confidence=0.99)
        if slanted is not None and _sane(np.asarray(slanted, np.float64)) and int(mask.sum()) > inliers:
            return np.asarray(slanted, np.float64), int(mask.sum())
    return best, inliers


def _sane(matrix: Matrix) -> bool:
    """Whether the map keeps orientation, does not squash, and does not fold the frame."""
    corners = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], np.float64) @ matrix.T
    if (corners[:, 2] * np.sign(matrix[2, 2]) < 0.3 * abs(matrix[2, 2])).any():
        return False
    sizes = np.linalg.svd(matrix[:2, :2] / matrix[2, 2], compute_uv=False)
    return bool(np.linalg.det(matrix[:2, :2]) > 0 and sizes[1] > 0.05 and sizes[0] < 12 and sizes[0] / sizes[1] < 4)


def nearest_affine(matrix: Matrix) -> Matrix:
    """The ``[2, 3]`` affine map nearest to a homography over the part of the query that lands in the catalogue picture."""
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 1, 9)), axis=-1).reshape(1, -1, 2)
    landed = cv2.perspectiveTransform(grid, matrix)[0]
    inside = ((landed > -0.02) & (landed < 1.02)).all(axis=1)
    known = np.column_stack([grid[0], np.ones(len(grid[0]))])
    # Too few, or all on one line: they leave the map open.
    if inside.sum() < _LEAST_INSIDE or np.linalg.matrix_rank(known[inside]) < known.shape[1]:
        inside[:] = True
    known = known[inside]
    return np.asarray(np.linalg.lstsq(known, landed[inside], rcond=None)[0].T)
