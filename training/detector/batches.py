"""Batches of random takes, made by threads while the network learns from the batch before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.augmentation import augmented
from training.detector.composites import CutOut, composite
from training.detector.photos import CLASSES, Labelled, repeats

_MOST_BOXES = 10


@dataclass(frozen=True, slots=True)
class Batch:
    """images: uint8 ``[n, height, width, 3]``; boxes, present, judged: as in :class:`training.detector.loss.Targets`."""

    images: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    present: NDArray[np.float32]
    judged: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Source:
    """What batches are drawn from: street photos, composites of cut-outs, and shop photos of worn garments.

    height, width: of the takes, in pixels; made_up, worn_share: the shares of the latter two, where there are any.
    """

    photos: list[Labelled]
    cuts: list[CutOut]
    height: int
    width: int
    worn: list[Labelled] = field(default_factory=list)
    made_up: float = 0.18
    worn_share: float = 0.15

    def batches(self, size: int, number: int, seed: int) -> Iterator[Batch]:
        """``number`` random batches; the same ones for the same seed."""
        share = repeats(self.photos)
        cv2.setNumThreads(1)
        with ThreadPoolExecutor(2) as pool:
            waiting: deque[Future[Batch]] = deque()
            for index in range(number):
                waiting.append(pool.submit(self._batch, size, share / share.sum(), np.random.default_rng([seed, index])))
                if len(waiting) > 4:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _batch(self, size: int, share: NDArray[np.float64], random: np.random.Generator) -> Batch:
        chosen = random.choice(len(self.photos), size, p=share)
        return stacked([augmented(self._photo(int(index), random), self.height, self.width, random) for index in chosen])

    def _photo(self, index: int, random: np.random.Generator) -> Labelled:
        """Street photo ``index``, unless the dice want something else."""
        draw = random.random()
        if self.cuts and draw < self.made_up:
            return composite(self.cuts, self.photos, random)
        if self.worn and draw > 1.0 - self.worn_share:
            return self.worn[int(random.integers(len(self.worn)))]
        return self.photos[index]


def stacked(takes: list[Labelled]) -> Batch:
    """Pictures of one size as a batch, their labels padded to ``_MOST_BOXES``."""
    boxes = np.zeros((len(takes), _MOST_BOXES, 4), np.float32)
    present = np.zeros((len(takes), _MOST_BOXES, len(CLASSES)), np.float32)
    for row, take in enumerate(takes):
        number = min(len(take.boxes), _MOST_BOXES)
        boxes[row, :number] = take.boxes[:number]
        present[row, np.arange(number), take.classes[:number]] = 1.0
    return Batch(np.stack([take.pixels for take in takes]), boxes, present, np.stack([take.judged for take in takes]))
