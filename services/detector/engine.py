"""The detector: a picture in, its fashion regions out, by one LiteRT model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.detector.geometry import Boxes, Letterbox, areas, suppress
from shoplens import deadlines
from shoplens.cores import Cores
from shoplens.domain import Box, Picture, Region
from shoplens.errors import UnknownCategory
from shoplens.models import LiteRtModel, Manifest, ModelError
from shoplens.taxonomy import taxonomy

_CANDIDATES = 300
"""So many of the best location-class pairs are looked at; a street photo has about five boxes, each found a few times."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a raw score ``s`` is worth: a region with it is right with probability ``sigmoid(slope * logit(s) + offset)``."""

    slope: float
    offset: float

    def __call__(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw scores 0..1 as probabilities 0..1, in the same order."""
        clipped = np.clip(scores, 1e-6, 1.0 - 1e-6)
        logits = np.log(clipped / (1.0 - clipped))
        return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * logits + self.offset))), dtype=np.float32)

    def raw(self, probability: float) -> float:
        """The raw score that is worth ``probability``, 0..1; the way back."""
        logit = math.log(probability / (1.0 - probability))
        return 1.0 / (1.0 + math.exp(-(logit - self.offset) / self.slope))


@dataclass(frozen=True, slots=True)
class Selection:
    """How raw scores become regions; the model's manifest says it, under ``parameters``.

    floor: calibrated scores below it are noise and are dropped, 0..1.
    same_class, any_class: the overlap (IoU) beyond which the worse of two boxes of one class, or of two classes, goes.
    limit: at most so many regions.
    free, guided: the calibration without and with a guide, who makes every score of his class more believable.
    """

    floor: float
    same_class: float
    any_class: float
    limit: int
    free: Calibration
    guided: Calibration

    @classmethod
    def of(cls, manifest: Manifest) -> Selection:
        """Raises ModelError where the manifest lacks one of them."""
        try:
            table, calibration = manifest.parameters["selection"], manifest.parameters["calibration"]
            return cls(
                floor=float(table["floor"]),
                same_class=float(table["same_class_iou"]),
                any_class=float(table["any_class_iou"]),
                limit=int(table["limit"]),
                free=Calibration(**calibration["free"]),
                guided=Calibration(**calibration["guided"]),
            )
        except KeyError as error:
            raise ModelError(f"{manifest.path.parent}: the manifest's parameters lack {error.args[0]!r}") from error
        except (TypeError, ValueError) as error:
            raise ModelError(f"{manifest.path.parent}: a parameter in the manifest is of the wrong type ({error})") from error


@dataclass(frozen=True, slots=True)
class Found:
    """Detections before they are named: ``boxes [n, 4]`` relative to the picture, ``classes [n]``, ``scores [n]``."""

    boxes: Boxes
    classes: NDArray[np.intp]
    scores: NDArray[np.float32]

    def take(self, indices: NDArray[np.intp]) -> Found:
        return Found(self.boxes[indices], self.classes[indices], self.scores[indices])


class LiteRtDetector:
    """Implements :class:`shoplens.ports.Detector` with a model folder; safe to call from many threads."""

    def __init__(self, model_dir: Path | str, cores: Cores | None = None) -> None:
        """Load the model. Raises ModelError where the folder does not hold one that this engine can read."""
        self.manifest = Manifest.load(model_dir)
        self._selection = Selection.of(self.manifest)
        self._model = LiteRtModel(self.manifest.path, cores)

    def model(self) -> str:
        deadlines.check()
        return f"{self.manifest.name}-{self.manifest.version}"

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        """The regions, best first; see the port. Of a group that the model was not taught, it finds none.

        Raises UnknownCategory for a name that is no group of the taxonomy, DeadlineExceeded.
        """
        deadlines.check()
        classes = self.manifest.classes
        if category is not None and category not in classes:
            if category not in taxonomy().groups:
                raise UnknownCategory(f"There is no group {category!r}; use one of: {', '.join(taxonomy().groups)}.")
            return []
        only = None if category is None else classes.index(category)
        scores, boxes, place = self.infer(picture)
        found = select(scores, boxes, place, self._selection, only=only)
        return [
            Region(Box(*(float(side) for side in box)), classes[index], float(score))
            for box, index, score in zip(found.boxes, found.classes, found.scores, strict=True)
        ]

    def infer(self, picture: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32], Letterbox]:
        """The bare model: ``scores [locations, classes]``, ``boxes [locations, classes, 4]`` relative to the input."""
        spec = self.manifest.input
        height, width = picture.pixels.shape[:2]
        place = Letterbox.fit(width, height, spec.width, spec.height)
        outputs = self._model(spec.normalise(place.draw(picture.pixels))[None])
        return outputs["scores"][0], outputs["boxes"][0], place


def select(
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    place: Letterbox,
    selection: Selection,
    *,
    only: int | None = None,
) -> Found:
    """Raw outputs to detections: calibrate, drop the noise, suppress duplicates within and then across classes.

    ``only`` is the class of a guided search; other classes then neither show nor suppress.
    """
    calibration = selection.free if only is None else selection.guided
    if only is not None:
        scores = np.where(np.arange(scores.shape[1]) == only, scores, np.float32(0.0))
    found = _candidates(scores, boxes, place, calibration, selection.floor)
    # Moved far apart, boxes of different classes never overlap: one suppression serves all classes.
    apart = found.boxes + 2.0 * found.classes[:, None].astype(np.float32)
    found = found.take(suppress(apart, found.scores, selection.same_class))
    found = found.take(suppress(found.boxes, found.scores, selection.any_class))
    return found.take(np.arange(min(len(found.scores), selection.limit)))


def _candidates(scores: NDArray[np.float32], boxes: NDArray[np.float32], place: Letterbox, calibration: Calibration, floor: float) -> Found:
    # Calibration keeps the order, so only what comes near the top needs it.
    locations, classes = np.nonzero(scores > calibration.raw(floor))
    kept = scores[locations, classes]
    best = np.argsort(-kept, kind="stable")[:_CANDIDATES]
    locations, classes = locations[best], classes[best]
    found = Found(place.to_picture(boxes[locations, classes]), classes, calibration(kept[best]))
    return found.take(np.flatnonzero(areas(found.boxes) > 0.0))
