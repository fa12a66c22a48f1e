"""Batches of random takes, made by threads while the network learns from the batch before."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.augmentation import augmented, overlaid
from training.detector.composites import CutOut, composite
from training.detector.photos import CLASSES, Labelled, repeats

_MOST_BOXES = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """images: uint8 ``[n, height, width, 3]``; labels: ``boxes``, ``present``, ``judged`` of :class:`training.detector.loss.Targets`."""

    images: NDArray[np.uint8]
    labels: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Source:
    """What batches are drawn from: street photos, composites of cut-outs, and photos of one garment.

    height, width: of the takes, in pixels; made_up, garment_share: the shares of the latter two, where there are any; overlaid: of
    takes that are two, one shining through the other; closer: of close-ups of one thing. rarity: see
    :func:`training.detector.photos.repeats`.
    """

    photos: list[Labelled]
    cuts: list[CutOut]
    height: int
    width: int
    garments: list[Labelled] = field(default_factory=list)
    made_up: float = 0.15
    garment_share: float = 0.17
    overlaid: float = 0.15
    closer: float = 0.15
    rarity: float = 0.3

    def batches(self, size: int, number: int, seed: int) -> Iterator[Batch]:
        """``number`` random batches; the same ones for the same seed."""
        workers = len(os.sched_getaffinity(0))
        cv2.setNumThreads(1)
        with ThreadPoolExecutor(workers) as pool:
            waiting: deque[Future[Batch]] = deque()
            for index in range(number):
                waiting.append(pool.submit(self.batch, size, np.random.default_rng([seed, index])))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def batch(self, size: int, random: np.random.Generator) -> Batch:
        """``size`` random takes."""
        share = repeats(self.photos, self.rarity)
        chosen = random.choice(len(self.photos), size, p=share / share.sum())
        return stacked([self._take(int(index), random) for index in chosen])

    def _take(self, index: int, random: np.random.Generator) -> Labelled:
        take = augmented(self._photo(index, random), self.height, self.width, random, self.closer)
        if random.random() >= self.overlaid:
            return take
        other = self._photo(int(random.integers(len(self.photos))), random)
        return overlaid(take, augmented(other, self.height, self.width, random), random.uniform(0.35, 0.65))

    def _photo(self, index: int, random: np.random.Generator) -> Labelled:
        """Street photo ``index``, unless the dice want something else."""
        draw = random.random()
        if self.cuts and draw < self.made_up:
            return composite(self.cuts, self.photos, random)
        if self.garments and draw > 1.0 - self.garment_share:
            return self.garments[int(random.integers(len(self.garments)))]
        return self.photos[index]


def stacked(takes: list[Labelled]) -> Batch:
    """Pictures of one size as a batch, their labels padded to ``_MOST_BOXES``."""
    boxes = np.zeros((len(takes), _MOST_BOXES, 4), np.float32)
    present = np.zeros((len(takes), _MOST_BOXES, len(CLASSES)), np.float32)
    for row, take in enumerate(takes):
        number = min(len(take.boxes), _MOST_BOXES)
        boxes[row, :number] = take.boxes[:number]
        present[row, np.arange(number), take.classes[:number]] = 1.0
    labels = {"boxes": boxes, "present": present, "judged": np.stack([take.judged for take in takes])}
    return Batch(np.stack([take.pixels for take in takes]), labels)
