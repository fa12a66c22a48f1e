"""Fits the probability of a copy: on edited copies, on photos recoloured as shops recolour them, and on strangers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from rich.progress import track

from services.copies.agreement import Agreement, agreement
from services.copies.geometry import Placement, place
from services.copies.keypoints import KeypointExtractor
from services.copies.probability import EVIDENCE, evidence
from services.copies.signature import pack_thumbnail, thumbnail, unpack_thumbnail
from shoplens.domain import Pixels
from training.copies.edits import edited
from training.copies.photos import Photo
from training.copies.recolour import recoloured

THRESHOLD = 0.9
"""What is called a copy: two in 568 recoloured photos and strangers, and 84 of 100 edited copies, were above it when it was set."""

_PENALTY = 1e-3
_WEIGHTS = {"copy": 1.0, "stranger": 1.0, "dyed": 1.0, "edited": 0.25}
"""What a case counts for: an edited copy of another colour is rarer than what shops have by the thousand, other colours as they are."""


@dataclass(frozen=True, slots=True)
class Case:
    """A pair of pictures that could be laid over each other.

    kind: ``copy``; or ``stranger``; or ``dyed``, one is the other recoloured; or ``edited``, and edited besides.
    """

    kind: str
    placement: Placement
    agreed: Agreement


def cases(photos: Sequence[Photo], extractor: KeypointExtractor, count: int, seed: int) -> list[Case]:
    """Some three cases a photo, from ``count`` photos; pairs that cannot be laid over each other are out."""
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda row: list(_of_photo(photos, extractor, np.random.default_rng((seed, row)))), range(count))
        return [case for some in track(made, "calibration", total=count) for case in some]


def _of_photo(photos: Sequence[Photo], extractor: KeypointExtractor, rng: Generator) -> Iterator[Case]:
    pixels = photos[rng.integers(len(photos))].read()
    strangers = [photos[row].read() for row in rng.integers(0, len(photos), 3)]
    seed = int(rng.integers(1 << 30))
    copy_of = edited(pixels, np.random.default_rng(seed), strangers).pixels
    pairs = [("copy", copy_of, pixels), ("stranger", copy_of, photos[rng.integers(len(photos))].read())]
    dyed = recoloured(pixels, rng)
    if dyed is not None:
        pairs.append(("dyed", dyed, pixels))
        other = edited(dyed, np.random.default_rng(seed), strangers).pixels
        # Where the edits leave nothing of the other colour to be seen, it is a copy of both.
        if _differ(copy_of, other):
            pairs += [("edited", other, pixels), ("edited", copy_of, dyed)]
    for kind, query, reference in pairs:
        sizes = query.shape[1::-1], reference.shape[1::-1]
        placement = place(extractor.of_query(query), extractor.of_reference(reference), *sizes)
        kept = unpack_thumbnail(pack_thumbnail(thumbnail(reference)))
        agreed = None if placement is None else agreement(query, kept, placement.matrix)
        if placement is not None and agreed is not None:
            yield Case(kind, placement, agreed)


def _differ(one: Pixels, other: Pixels) -> bool:
    """Whether two pictures of one size differ to the eye: by a tenth of the range on a hundredth of their area."""
    coarse = [cv2.resize(pixels, (48, 48), interpolation=cv2.INTER_AREA).astype(np.int64) for pixels in (one, other)]
    return bool((np.abs(coarse[0] - coarse[1]).max(axis=2) > 25).mean() > 0.01)


def fit_probability(known: Sequence[Case]) -> dict[str, object]:
    """The manifest's ``probability``: weights by evidence, bias and threshold."""
    spoken, copy = np.stack([evidence(case.placement, case.agreed) for case in known]), np.array([case.kind == "copy" for case in known])
    counts = np.array([_WEIGHTS[case.kind] for case in known])
    mean, spread = spoken.mean(axis=0), spoken.std(axis=0) + 1e-6
    weights, bias = _regression((spoken - mean) / spread, copy, counts)
    plain = weights / spread
    return {
        "weights": {name: round(float(weight), 4) for name, weight in zip(EVIDENCE, plain, strict=True)},
        "bias": round(float(bias - mean @ plain), 4),
        "threshold": THRESHOLD,
    }


def _regression(inputs: NDArray[np.float64], labels: NDArray[np.bool_], counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Logistic regression by Newton's method, with a small penalty on the weights."""
    design, targets = np.column_stack([inputs, np.ones(len(inputs))]), labels.astype(np.float64)
    penalty = np.diag([*np.full(inputs.shape[1], _PENALTY * counts.sum()), 0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (counts * (targets - chances)) - penalty @ weights
        curve = (design * (counts * chances * (1 - chances))[:, None]).T @ design + penalty
        weights += np.linalg.solve(curve + 1e-9 * np.eye(len(curve)), slope)
    return weights[:-1], float(weights[-1])
