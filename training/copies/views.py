"""Views to learn from: a picture as the index sees it, and edited copies of it as a query sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from services.copies.views import REFERENCE_VIEWS
from shoplens.domain import Box
from shoplens.scaling import scaled
from training.copies.edits import Edited, edited
from training.copies.photos import Photo

Images = NDArray[np.uint8]

VIEWS = 4
_AHEAD = 8
_SMALL_PART = 0.5
"""A copy that covers less than this of its frame is shown by a crop about it, as one of the query's probes would."""


def query_view(copy: Edited, side: int, rng: Generator) -> Images:
    """The edited copy, ``side`` × ``side``; where it is a small part of its frame, mostly a crop about it."""
    pixels = copy.pixels
    box = _bounds(copy)
    if box.area < _SMALL_PART and rng.random() < 0.8:
        slack = rng.uniform(-0.05, 0.12, 4) * np.tile([box.x1 - box.x0, box.y1 - box.y0], 2)
        x0, y0, x1, y1 = np.clip(np.array(box.as_tuple()) + slack * [-1, -1, 1, 1], 0, 1)
        pixels = Box(x0, y0, x1, y1).crop(pixels)
    view = scaled(np.ascontiguousarray(pixels), side, side)
    if rng.random() < 0.5:
        view = view[:, ::-1]
    if rng.random() < 0.15:
        view = np.rot90(view, int(rng.integers(1, 4)))
    return np.ascontiguousarray(view)


def _bounds(copy: Edited) -> Box:
    """The part of the frame in which the original lies."""
    corners = cv2.perspectiveTransform(np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float64), copy.placed)[0]
    x0, y0 = np.clip(corners.min(axis=0), 0, 0.98)
    x1, y1 = np.clip(corners.max(axis=0), [x0 + 0.02, y0 + 0.02], 1)
    return Box(float(x0), float(y0), float(x1), float(y1))


def views(photos: Sequence[Photo], *, side: int, seed: int) -> Iterator[Images]:
    """``uint8 [VIEWS, side, side, 3]`` for each photo: the whole, one of the index's parts, and two edited copies.

    The same for the same seed; made by a thread of their own, a little ahead.
    """

    def make(row: int) -> Images:
        rng = np.random.default_rng((seed, row))
        pixels = photos[row].read()
        strangers = [photos[other].read() for other in rng.integers(0, len(photos), 3)]
        part = REFERENCE_VIEWS[int(rng.integers(1, len(REFERENCE_VIEWS)))]
        references = [scaled(pixels, side, side), scaled(part.crop(pixels), side, side)]
        return np.stack([*references, *(query_view(edited(pixels, rng, strangers), side, rng) for _ in range(VIEWS - 2))])

    rows = iter(range(len(photos)))
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, row) for row in islice(rows, _AHEAD)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(make, row) for row in islice(rows, 1)]
