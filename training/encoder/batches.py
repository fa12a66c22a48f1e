"""Batches of pairs of views, the hard ones together, planned ahead of the training step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.encoder.photos import ATTRIBUTES, Photo
from training.encoder.views import Bank, Plan, draw, joined

SIDE = 224
_GROUP = 32
"""So many of a kind come together: the negatives of a product are then hard ones, of its own category."""

Targets = dict[str, NDArray[np.int32] | NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Batch:
    """2n views of n products, n gentle ones and then n hard ones, and what is known of each; see ``lesson.Lesson``."""

    plan: Plan
    targets: Targets


def grouped_order(kins: Sequence[str], rng: Generator) -> NDArray[np.int64]:
    """A shuffled order of all photos in which runs of 32 share their kin."""
    members: dict[str, list[int]] = defaultdict(list)
    for row in rng.permutation(len(kins)):
        members[kins[row]].append(int(row))
    runs, rest = [], []
    for rows in members.values():
        whole = len(rows) - len(rows) % _GROUP
        runs += [rows[start : start + _GROUP] for start in range(0, whole, _GROUP)]
        rest += rows[whole:]
    rng.shuffle(rest)
    runs += [rest[start : start + _GROUP] for start in range(0, len(rest), _GROUP)]
    return np.array([row for place in rng.permutation(len(runs)) for row in runs[place]])


def bank(photos: Sequence[Photo], masks: NDArray[np.uint8]) -> Bank:
    """All photos in memory, stretched to 224 × 224."""
    with ThreadPoolExecutor() as pool:
        pixels = np.stack(list(pool.map(_stretched, photos)))
    floors = np.array([row for row, photo in enumerate(photos) if photo.origin == "clothing_cc0"], np.int32)
    return Bank(pixels, masks, floors)


def _stretched(photo: Photo) -> NDArray[np.uint8]:
    pixels = photo.read()
    shrinks = max(pixels.shape[:2]) > SIDE
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), dtype=np.uint8)


class PairMaker:
    """Plans batches without end, the same ones for the same seed."""

    def __init__(self, photos: Sequence[Photo], photo_bank: Bank, teacher: NDArray[np.float32], *, pairs: int, seed: int) -> None:
        self._kins = [photo.kin for photo in photos]
        self._bank, self._pairs, self._seed = photo_bank, pairs, seed
        _, look = np.unique([photo.look for photo in photos], return_inverse=True)
        attributes = np.array([photo.attributes for photo in photos], np.int32)
        self._targets: Targets = {
            "product": np.arange(len(photos), dtype=np.int32),
            "look": look.astype(np.int32),
            "category": np.array([photo.category for photo in photos], np.int32),
            "teacher": teacher,
            **{name: attributes[:, column] for column, name in enumerate(ATTRIBUTES)},
        }

    @property
    def steps(self) -> int:
        """Batches in an epoch; the last, short one is left out."""
        return len(self._kins) // self._pairs

    def batches(self, skip: int = 0) -> Iterator[Batch]:
        """From step ``skip`` on, planned by a thread a little ahead."""
        with ThreadPoolExecutor(2) as pool:
            ahead = [pool.submit(self._batch, skip + number) for number in range(4)]
            number = skip + len(ahead)
            while True:
                yield ahead.pop(0).result()
                ahead.append(pool.submit(self._batch, number))
                number += 1

    @lru_cache(maxsize=2)  # noqa: B019  one maker lives as long as the training
    def _order(self, epoch: int) -> NDArray[np.int64]:
        return grouped_order(self._kins, np.random.default_rng((self._seed, epoch)))

    def _batch(self, step: int) -> Batch:
        epoch, place = divmod(step, self.steps)
        rows = self._order(epoch)[place * self._pairs : (place + 1) * self._pairs].astype(np.int32)
        rng = np.random.default_rng((self._seed, epoch, place))
        plan = joined([draw(self._bank, rows, rng, gentle=gentle) for gentle in (True, False)])
        both = np.concatenate([rows, rows])
        return Batch(plan, {name: values[both] for name, values in self._targets.items()})
