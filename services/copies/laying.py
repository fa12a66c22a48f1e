"""A query laid over a catalogue picture: the part that both show, as each shows it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.copies.geometry import Matrix
from shoplens.domain import Pixels

_UNIT = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float64)
_LEAST_AREA = 0.01
_LARGEST_ZOOM = 1.5
_SHRINK_FIRST = 0.8
"""Below this scale a picture is brought down by averaging before it is warped, or fine patterns turn into others."""


@dataclass(frozen=True, slots=True)
class Laid:
    """The overlap's bounding box in the catalogue picture.

    seen, shown: ``[h, w, 3]``, as the query has it and as the picture has it. valid: ``[h, w]``, where the query has anything.
    overlap: the share of the picture that the query shows. query_overlap: the share of the query that shows it. to_box: from the
    picture's relative coordinates to pixels of the box.
    """

    seen: Pixels
    shown: Pixels
    valid: NDArray[np.bool_]
    overlap: float
    query_overlap: float
    to_box: Matrix


def lay(query: Pixels, reference: Pixels, matrix: Matrix, side: int) -> Laid | None:
    """Both at ``side`` pixels of the box's longer side at most; ``matrix`` takes relative coordinates to relative coordinates.

    None where they overlap by next to nothing.
    """
    landed = cv2.perspectiveTransform(_UNIT, matrix)[0].astype(np.float32)
    area, common = cv2.intersectConvexConvex(cv2.convexHull(landed), _UNIT[0].astype(np.float32))
    if common is None or area < _LEAST_AREA:
        return None
    back = cv2.perspectiveTransform(common.astype(np.float64), np.linalg.inv(matrix))
    query_overlap = abs(float(cv2.contourArea(back.astype(np.float32))))
    x0, y0 = np.clip(common.reshape(-1, 2).min(axis=0), 0, 1)
    x1, y1 = np.clip(common.reshape(-1, 2).max(axis=0), 0, 1)
    height, width = reference.shape[:2]
    wide, high = (x1 - x0) * width, (y1 - y0) * height
    scale = min(side / max(wide, high), _LARGEST_ZOOM)
    size = (max(8, round(wide * scale)), max(8, round(high * scale)))
    across, down = size[0] / (x1 - x0), size[1] / (y1 - y0)
    to_box = np.array([[across, 0, -x0 * across - 0.5], [0, down, -y0 * down - 0.5], [0, 0, 1]])
    shrink = np.sqrt(area * across * down / max(query_overlap * query.shape[0] * query.shape[1], 1.0))
    smaller = _reduced(query, shrink)
    forward = to_box @ matrix @ _relative(smaller)
    inside = cv2.warpPerspective(np.full(smaller.shape[:2], 255, np.uint8), forward, size, flags=cv2.INTER_NEAREST)
    valid = cv2.erode(inside, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=255) > 0
    reduced = _reduced(reference, scale)
    return Laid(
        seen=_warped(smaller, forward, size),
        shown=_warped(reduced, to_box @ _relative(reduced), size),
        valid=valid,
        overlap=min(float(area), 1.0),
        query_overlap=min(query_overlap, 1.0),
        to_box=to_box,
    )


def _reduced(pixels: Pixels, scale: float) -> Pixels:
    if scale >= _SHRINK_FIRST:
        return pixels
    size = (max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _relative(pixels: Pixels) -> Matrix:
    """From pixels, whose middles have whole coordinates, to relative coordinates."""
    height, width = pixels.shape[:2]
    return np.array([[1 / width, 0, 0.5 / width], [0, 1 / height, 0.5 / height], [0, 0, 1]])


def _warped(pixels: Pixels, matrix: Matrix, size: tuple[int, int]) -> Pixels:
    return np.asarray(cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
