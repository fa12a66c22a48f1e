"""Whether a query is a copy of a certain picture, how sure that is, and what was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from services.copies.agreement import Agreement, agreement
from services.copies.geometry import Placement, nearest_affine, place
from services.copies.keypoints import QueryKeypoints
from services.copies.probability import CopyProbability
from services.copies.signature import Signature
from shoplens import deadlines
from shoplens.domain import Change, Copy, Pixels, Recolouring

T = TypeVar("T")
R = TypeVar("R")

_MOST_COMPARED, _LEAST_OF_BEST = 6, 0.3
"""Of the placed candidates, so many are laid over the query: those with the most features that agree, and not far fewer than the best
has. Of 342 copies 335 had the most of all candidates, and all had three quarters of that."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is verified of a query: its pixels (any size; 512 suffice) and its features."""

    pixels: Pixels
    keypoints: QueryKeypoints


class Verifier:
    """Holds the fitted probability; no other state. ``close`` it."""

    def __init__(self, probability: CopyProbability, threads: int = 2) -> None:
        self._probability = probability
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="verification")

    def close(self) -> None:
        self._pool.shutdown()

    def copies(self, query: Query, candidates: Iterable[Signature]) -> list[Copy]:
        """Those candidates of which the query is a copy, likeliest first. Raises ``DeadlineExceeded``."""
        return [copy for copy in self.judged(query, candidates) if copy.probability >= self._probability.threshold]

    def judged(self, query: Query, candidates: Iterable[Signature]) -> list[Copy]:
        """The candidates that can be laid over the query, each with its probability, however small; likeliest first."""
        placed = [pair for pair in self._each(partial(_placed, query), candidates) if pair is not None]
        placed.sort(key=lambda pair: -pair[0].inliers)
        best = [pair for pair in placed[:_MOST_COMPARED] if pair[0].inliers >= _LEAST_OF_BEST * placed[0][0].inliers]
        laid = [triple for triple in self._each(partial(_laid, query), best) if triple is not None]
        probabilities = self._probability([(placement, agreed) for placement, agreed, _ in laid])
        found = [Copy(name, p, _change(placement, agreed)) for (placement, agreed, name), p in zip(laid, probabilities, strict=True)]
        return sorted(found, key=lambda copy: (-copy.probability, copy.content_hash))

    def _each(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``work`` on all items, side by side, under the caller's deadline: OpenCV lets the interpreter go."""
        waiting = [self._pool.submit(copy_context().run, work, item) for item in items]
        try:
            return [each.result() for each in waiting]
        finally:
            for each in waiting:
                each.cancel()


def _placed(query: Query, candidate: Signature) -> tuple[Placement, Signature] | None:
    deadlines.check()
    placement = place(query.keypoints, candidate.keypoints, query.pixels.shape[1::-1], (candidate.width, candidate.height))
    return None if placement is None else (placement, candidate)


def _laid(query: Query, placed: tuple[Placement, Signature]) -> tuple[Placement, Agreement, str] | None:
    deadlines.check()
    placement, candidate = placed
    agreed = agreement(query.pixels, candidate.pixels(), placement.matrix)
    return None if agreed is None else (placement, agreed, candidate.content_hash)


def _change(placement: Placement, agreed: Agreement) -> Change:
    affine = nearest_affine(placement.matrix)
    first, second = (tuple(float(value) for value in row) for row in affine)
    return Change(
        flipped=placement.mirrored,
        overlap=agreed.overlap,
        query_overlap=agreed.query_overlap,
        affine=((first[0], first[1], first[2]), (second[0], second[1], second[2])),
        recolouring={"none": Recolouring.NONE, "hue": Recolouring.HUE, "grey": Recolouring.GREY}[agreed.rule],
        amount=_amount(placement, agreed, affine),
    )


def _amount(placement: Placement, agreed: Agreement, affine: np.ndarray) -> float:
    """What is gone, moved, covered and recoloured, as one number: 0 for the same picture, towards 1 for little left of it."""
    turned = abs(float(np.arctan2(affine[1, 0], affine[0, 0]))) / np.pi if not placement.mirrored else 0.0
    kept = agreed.overlap * agreed.query_overlap * (0.5 + 0.5 * agreed.structure) * (1 - agreed.covered / 2)
    kept *= (0.8 if placement.mirrored else 1.0) * (1 - turned / 2) * (0.7 if agreed.rule != "none" else 1.0)
    kept *= np.exp(-abs(np.log(max(agreed.gain, 0.05))) / 2)
    return float(np.clip(1 - kept, 0, 1))
