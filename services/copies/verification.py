"""Whether a query is a copy of a certain picture, how sure that is, and what was changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from services.copies.agreement import Agreement, agreement
from services.copies.geometry import Placement, nearest_affine, place
from services.copies.keypoints import QueryKeypoints
from services.copies.probability import CopyProbability
from services.copies.signature import Signature
from shoplens import deadlines
from shoplens.domain import Change, Copy, Pixels, Recolouring

_MOST_COMPARED = 12
"""Of the placed candidates, so many are laid over the query: those with the most matching features."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is verified of a query: its pixels (any size; 512 suffice) and its features."""

    pixels: Pixels
    keypoints: QueryKeypoints


class Verifier:
    """Holds the fitted probability; no other state."""

    def __init__(self, probability: CopyProbability) -> None:
        self._probability = probability

    def copies(self, query: Query, candidates: Iterable[Signature]) -> list[Copy]:
        """Those candidates of which the query is a copy, likeliest first. Raises ``DeadlineExceeded``."""
        found = [copy for copy in self._judged(query, candidates) if copy.probability >= self._probability.threshold]
        return sorted(found, key=lambda copy: (-copy.probability, copy.content_hash))

    def _judged(self, query: Query, candidates: Iterable[Signature]) -> Iterator[Copy]:
        """The candidates that can be laid over the query, each with its probability, however small."""
        placed = []
        for candidate in candidates:
            deadlines.check()
            placement = place(query.keypoints, candidate.keypoints, query.pixels.shape[1::-1], (candidate.width, candidate.height))
            if placement is not None:
                placed.append((placement, candidate))
        placed.sort(key=lambda pair: -pair[0].inliers)
        for placement, candidate in placed[:_MOST_COMPARED]:
            deadlines.check()
            agreed = agreement(query.pixels, candidate.pixels(), placement.matrix)
            if agreed is not None:
                yield Copy(candidate.content_hash, self._probability(placement, agreed), _change(placement, agreed))


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
