"""Two pictures, side by side: whether one is a copy of the other, and a drawing of how they lie over each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from services.copies.descriptor import CopyDescriptor
from services.copies.engine import compared
from services.copies.keypoints import PROJECTION, KeypointExtractor
from services.copies.probability import CopyProbability
from services.copies.signature import Signer
from services.copies.verification import Query, Verifier
from shoplens.cores import Cores
from shoplens.domain import Affine, Change, Copy, Picture, Pixels

_PANEL = 480
_GAP = 12
_PAPER = (251, 250, 248)
_LINE = (39, 89, 74)
_UNIT = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found. copy: how the one lies over the other, None where nothing of them matches. threshold: a copy's least probability."""

    copy: Copy | None
    threshold: float

    @property
    def is_copy(self) -> bool:
        return self.copy is not None and self.copy.probability >= self.threshold


class PictureComparer:
    """Runs the last two steps of the cascade on a pair; no index and no store. Use it as a context."""

    def __init__(self, model_dir: Path, *, cores: Cores) -> None:
        """Raises ModelError where ``model_dir`` is no model to find copies with."""
        descriptor = CopyDescriptor(model_dir, cores)
        self._keypoints = KeypointExtractor.load(model_dir / PROJECTION)
        self._signer = Signer(descriptor, self._keypoints)
        self._probability = CopyProbability.load(descriptor.manifest)
        self._verifier = Verifier(self._probability, cores.count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._verifier.close()

    def compare(self, query: Picture, reference: Picture) -> Comparison:
        """Whether ``query`` was made of ``reference``."""
        if query.content_hash == reference.content_hash:
            return Comparison(Copy(reference.content_hash, 1.0, Change(), exact=True), self._probability.threshold)
        asked = Query(compared(query.pixels), self._keypoints.of_query(query.pixels))
        judged = self._verifier.judged(asked, [self._signer.sign(reference)])
        return Comparison(judged[0] if judged else None, self._probability.threshold)


def overlay(query: Pixels, reference: Pixels, affine: Affine) -> Pixels:
    """A drawing for people: the query, the catalogue's picture, and the one laid over the other.

    Each shows the other's outline. ``affine`` as of :class:`shoplens.domain.Change`. The result is uint8 ``[480, width, 3]``, RGB.
    """
    left, middle = _panel(query), _panel(reference)
    forward = np.vstack([np.asarray(affine), [0, 0, 1]])
    to_pixels = np.diag([middle.shape[1], middle.shape[0], 1.0]) @ forward @ np.diag([1 / left.shape[1], 1 / left.shape[0], 1.0])
    size = (middle.shape[1], middle.shape[0])
    laid = cv2.warpAffine(left, to_pixels[:2], size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.ones(left.shape[:2], np.float32), to_pixels[:2], size)[..., None]
    right = np.asarray(middle * (1 - 0.5 * inside) + laid * 0.5 * inside, np.uint8)
    _outlined(left, np.linalg.inv(forward))
    _outlined(middle, forward)
    _outlined(right, forward)
    gap = np.full((_PANEL, _GAP, 3), _PAPER, np.uint8)
    return np.hstack([left, gap, middle, gap, right])


def _panel(pixels: Pixels) -> Pixels:
    width = max(1, round(pixels.shape[1] * _PANEL / pixels.shape[0]))
    return np.asarray(cv2.resize(pixels, (width, _PANEL), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _outlined(panel: Pixels, matrix: NDArray[np.float64]) -> None:
    corners = cv2.perspectiveTransform(_UNIT[None], matrix)[0] * panel.shape[1::-1]
    cv2.polylines(panel, [np.round(corners).astype(np.int32)], isClosed=True, color=_LINE, thickness=3, lineType=cv2.LINE_AA)
