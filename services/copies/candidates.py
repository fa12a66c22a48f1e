"""Which pictures may be copies, from three indexes of bits, cheap and generous; what is right is for verification to say.

- The **fingerprint**, all eight ways, finds what was merely saved anew, mirrored or turned by a quarter.
- The **copy descriptor** finds pictures whose overall look survived, blurred and tiny ones too.
- The **words**, a code for each local feature, vote for the pictures that have the like (Sivic & Zisserman 2003, with the codes as
  Jégou et al. 2008 use them): a part is enough, wherever it lies and however it is turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.copies.codes import CellIndex, CodeIndex, Numbers
from services.copies.fingerprint import Codes
from services.copies.keypoints import Keypoints, QueryKeypoints, words
from services.copies.signature import Outline, Signature

_FINGERPRINT_BITS = 56
"""Fingerprints of strangers differ in 128 of 256 bits, by 8 give or take."""

_NEAREST_FINGERPRINTS, _NEAREST_VIEWS, _NEAREST_WORDS = 8, 24, 16
_BY_FINGERPRINT, _BY_VIEW, _BY_WORD = 4, 6, 14
"""Candidates that each index may name."""

_WORD_BITS = 18
_HALVING_BITS = 5.0
"""A word votes with half the weight for so many bits that it is off."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What is looked up of a query. fingerprints: ``[8, 32]``. views: ``[n, 32]``."""

    fingerprints: Codes
    views: Codes
    keypoints: QueryKeypoints


class Candidates:
    """The three indexes, kept together. Pictures go by number."""

    def __init__(self, centres: Codes, beside: Executor, *, sealed: Path | None = None) -> None:
        """``centres [m, 8]``: of the words, part of the model. beside: searches one half of the words while the caller searches the
        other. sealed: a file of words that :meth:`seal` wrote.

        Raises ``RuntimeError`` where that file cannot be used.
        """
        self._beside = beside
        self._fingerprints = CodeIndex()
        self._views = CodeIndex()
        self._words = CellIndex(centres, sealed=sealed)

    def __len__(self) -> int:
        return len(self._fingerprints)

    def add(self, number: int, signature: Signature) -> None:
        self.add_all([(number, signature)])

    def add_all(self, numbered: Sequence[tuple[int, Signature]]) -> None:
        """Several at once, which takes less time than one by one."""
        self.add_outlines(numbered)
        codes = [words(signature.keypoints) for _, signature in numbered]
        if codes:
            self._words.add(np.concatenate(codes), np.repeat([number for number, _ in numbered], list(map(len, codes))))

    def add_outlines(self, numbered: Sequence[tuple[int, Outline]]) -> None:
        """All but the words, of pictures whose words are sealed."""
        if not numbered:
            return
        numbers = [number for number, _ in numbered]
        self._fingerprints.add(np.concatenate([outline.fingerprint for _, outline in numbered]), np.array(numbers))
        self._views.add(
            np.concatenate([outline.codes for _, outline in numbered]), np.repeat(numbers, [len(outline.codes) for _, outline in numbered])
        )

    def remove(self, numbers: Numbers) -> None:
        """Pictures that are to be named no more."""
        for index in (self._fingerprints, self._views, self._words):
            index.remove(numbers)

    def seal(self, path: Path) -> None:
        """Write the words, by far the most, to ``path``: the next start maps them into memory. Raises ``RuntimeError``, ``OSError``."""
        self._words.seal(path)

    def near(self, probe: Probe) -> list[int]:
        """The numbers of pictures worth verifying, the most promising first; some dozens at most."""
        distances, numbers = self._fingerprints.search(probe.fingerprints, _NEAREST_FINGERPRINTS)
        by_fingerprint = _nearest(distances[distances <= _FINGERPRINT_BITS], numbers[distances <= _FINGERPRINT_BITS])
        by_view = _nearest(*self._views.search(probe.views, _NEAREST_VIEWS))
        by_word = self._voted(probe.keypoints)
        return list(dict.fromkeys([*by_fingerprint[:_BY_FINGERPRINT], *by_word[:_BY_WORD], *by_view[:_BY_VIEW]]))

    def _voted(self, keypoints: QueryKeypoints) -> list[int]:
        """Pictures by the votes of the query's words, as it is or mirrored, whichever has more."""
        best: dict[int, float] = {}
        mirrored = self._beside.submit(self._votes, keypoints.mirrored)
        for side in (self._votes(keypoints.upright), mirrored.result()):
            for number, votes in zip(*side, strict=True):
                best[int(number)] = max(best.get(int(number), 0.0), float(votes))
        return sorted(best, key=lambda number: -best[number])

    def _votes(self, keypoints: Keypoints) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        distances, numbers = self._words.search(words(keypoints), _NEAREST_WORDS)
        counted = (numbers >= 0) & (distances <= _WORD_BITS)
        if not counted.any():
            return np.zeros(0, np.int64), np.zeros(0)
        pictures, place = np.unique(numbers[counted], return_inverse=True)
        votes = np.bincount(place, np.exp2(-distances[counted] / _HALVING_BITS)).astype(np.float64)
        # Sealed words outlive their picture; fingerprints do not.
        there = (place for place in np.argsort(-votes).tolist() if int(pictures[place]) in self._fingerprints)
        most = list(islice(there, _BY_WORD))
        return pictures[most], votes[most]


def _nearest(distances: NDArray[np.int32], numbers: NDArray[np.int64]) -> list[int]:
    """Numbers by their least distance."""
    best: dict[int, int] = {}
    for distance, number in sorted(zip(distances.ravel().tolist(), numbers.ravel().tolist(), strict=True)):
        best.setdefault(number, distance)
    return list(best)
