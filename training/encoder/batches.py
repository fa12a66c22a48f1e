"""Batches of pairs of views, the hard ones together, made by worker threads ahead of the training step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from shoplens.domain import Pixels
from training.encoder.augment import augment, floor_patch
from training.encoder.photos import Photo

_GROUP = 16
"""So many of a kind come together: the negatives of a product are then hard ones, of its own category."""


@dataclass(frozen=True, slots=True)
class Batch:
    """``n`` products twice: rows 0..n−1 are gentle views, as a catalogue shows them, rows n..2n−1 hard ones.

    images: ``uint8 [2n, side, side, 3]``. masks: ``float32 [2n, side/16, side/16, 1]``, −1 where unknown.
    rows: ``int64 [n]``, which photos. categories: ``int64 [n]``.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.float32]
    rows: NDArray[np.int64]
    categories: NDArray[np.int64]


def grouped_order(kins: Sequence[str], rng: Generator) -> NDArray[np.int64]:
    """A shuffled order of all photos in which runs of 16 share their kin."""
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


class PairMaker:
    """Makes the batches of an epoch; the same ones for the same seed and epoch, whatever the threads do."""

    def __init__(self, photos: Sequence[Photo], masks: NDArray[np.uint8], *, side: int, pairs: int, seed: int) -> None:
        self._photos, self._masks = photos, masks
        self._side, self._pairs, self._seed = side, pairs, seed
        self._floors = [row for row, photo in enumerate(photos) if photo.origin == "clothing_cc0"]

    @property
    def steps(self) -> int:
        """Batches in an epoch; the last, short one is left out."""
        return len(self._photos) // self._pairs

    def _floor(self, rng: Generator) -> Pixels:
        return floor_patch(self._photos[self._floors[rng.integers(len(self._floors))]].read(), rng)

    def _pair(self, row: int, seed: tuple[int, ...]) -> list[tuple[Pixels, NDArray[np.float32]]]:
        rng = np.random.default_rng(seed)
        photo, mask, coarse = self._photos[row].read(), self._masks[row], self._side // 16
        views = []
        for gentle in (True, False):
            view = augment(photo, mask, self._floor(rng), self._side, rng, gentle=gentle)
            views.append((view.pixels, cv2.resize(view.mask, (coarse, coarse), interpolation=cv2.INTER_AREA)))
        return views

    def epoch(self, number: int, *, skip: int = 0, workers: int = 2) -> Iterator[Batch]:
        """The batches of an epoch from step ``skip`` on."""
        order = grouped_order([photo.kin for photo in self._photos], np.random.default_rng((self._seed, number)))
        chunks = [order[step * self._pairs : (step + 1) * self._pairs] for step in range(skip, self.steps)]
        ahead = 3
        with ThreadPoolExecutor(workers) as pool:
            waiting = []
            for place in range(len(chunks) + ahead):
                if place < len(chunks):
                    rows = chunks[place]
                    waiting.append((rows, [pool.submit(self._pair, int(row), (self._seed, number, int(row))) for row in rows]))
                if place >= ahead:
                    rows, jobs = waiting.pop(0)
                    yield self._stack(rows, [job.result() for job in jobs])

    def _stack(self, rows: NDArray[np.int64], pairs: list[list[tuple[Pixels, NDArray[np.float32]]]]) -> Batch:
        views = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
        return Batch(
            images=np.stack([pixels for pixels, _ in views]),
            masks=np.stack([mask for _, mask in views])[..., None],
            rows=np.asarray(rows, dtype=np.int64),
            categories=np.array([self._photos[row].category for row in rows], dtype=np.int64),
        )
