"""What a probability of copies is learned from: pairs of pictures that could be laid over each other, and what they are to each other.

Three sources. Copies and their originals. Photos recoloured as shops recolour them, as they are and edited besides: the hardest
look-alikes. And strangers that the search itself brings up as candidates, for those are what it must turn down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from rich.progress import track

from services.copies.agreement import agreement
from services.copies.candidates import Candidates, Probe
from services.copies.descriptor import CopyDescriptor, binary
from services.copies.engine import compared
from services.copies.fingerprint import all_eight
from services.copies.geometry import Placement, place
from services.copies.keypoints import KeypointExtractor
from services.copies.probability import planes
from services.copies.signature import Signer, pack_thumbnail, thumbnail, unpack_thumbnail
from services.copies.views import QUERY_VIEWS
from shoplens.domain import Picture, Pixels
from shoplens.images import content_hash
from training.copies.edits import edited
from training.copies.photos import Photo
from training.copies.recolour import recoloured

_LARGER = (1.3, 2.8)
"""Half of the photos are enlarged so much first: noise and print are finer on a larger picture."""

_NEAREST = 12
"""Placed candidates of a query that become cases, as many as the search compares."""


@dataclass(frozen=True, slots=True)
class Case:
    """A pair that was laid over each other.

    kind: ``copy``; or ``stranger``; or ``dyed``, one is the other recoloured; or ``dyed_once`` and ``dyed_edited``, and edited once or
    more besides. photo: which photo it was made of; cases of one photo are not independent. planes: float16
    ``[40, 40, channels]``, see :func:`services.copies.probability.planes`.
    """

    kind: str
    photo: int
    planes: NDArray[np.float16]


def paired(photos: Sequence[Photo], extractor: KeypointExtractor, count: int, seed: int) -> list[Case]:
    """Some seven cases a photo, of ``count`` photos; pairs that cannot be laid over each other are out."""
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda row: list(_of_photo(photos, extractor, np.random.default_rng((seed, row)))), range(count))
        return [case for some in track(made, "pairs", total=count) for case in some]


def _of_photo(photos: Sequence[Photo], extractor: KeypointExtractor, rng: Generator) -> Iterator[Case]:
    photo = int(rng.integers(len(photos)))
    pixels = _enlarged(photos[photo].read(), rng)
    fillers = [photos[row].read() for row in rng.integers(0, len(photos), 3)]
    seed = int(rng.integers(1 << 30))
    copy = edited(pixels, np.random.default_rng(seed), fillers).pixels
    pairs = [("copy", copy, pixels), ("copy", edited(pixels, rng, fillers).pixels, pixels)]
    dyes = [dyed for dyed in (recoloured(pixels, rng) for _ in range(2)) if dyed is not None and differ(dyed, pixels)]
    for dyed in dyes:
        # Either may be the one that is asked about.
        pairs.append(("dyed", dyed, pixels) if rng.random() < 0.5 else ("dyed", pixels, dyed))
        pairs.append(("dyed_once", edited(dyed, rng, fillers, most=1).pixels, pixels))
        other = edited(dyed, np.random.default_rng(seed), fillers).pixels
        # Where the edits leave nothing of the other colour to be seen, it is a copy of both.
        if differ(copy, other):
            pairs.append(("dyed_edited", other, pixels))
    if len(dyes) == 2 and differ(*dyes):
        pairs.append(("dyed", *dyes))
    for kind, query, reference in pairs:
        kept = unpack_thumbnail(pack_thumbnail(thumbnail(reference)))
        placement = place(extractor.of_query(query), extractor.of_reference(reference), _size(query), _size(reference))
        case = None if placement is None else _laid(kind, photo, query, placement, kept)
        if case is not None:
            yield case


def searched(
    photos: Sequence[Photo], descriptor: CopyDescriptor, extractor: KeypointExtractor, centres: NDArray[np.uint8], count: int, seed: int
) -> list[Case]:
    """What a search among ``count`` photos brings up for as many strangers and as many copies, both edited."""
    signer, index = Signer(descriptor, extractor), Candidates(centres, ThreadPoolExecutor(1))
    order = np.random.default_rng(seed).permutation(len(photos))
    own, strangers, others = order[:count], order[count : 2 * count], order[2 * count :]
    signatures = []
    for row in track(own, "references"):
        pixels = photos[row].read()
        signatures.append(signer.sign(Picture(pixels, content_hash(pixels.tobytes()), pixels.shape[1], pixels.shape[0])))
        index.add(len(signatures) - 1, signatures[-1])
    cases = []
    for number in track(range(2 * count), "searches"):
        rng = np.random.default_rng((seed, number))
        original = number - count if number >= count else None
        photo = int(strangers[number]) if original is None else int(own[original])
        fillers = [photos[row].read() for row in rng.choice(others, 3)]
        pixels = photos[photo].read()
        query = edited(_enlarged(pixels, rng), rng, fillers).pixels
        keypoints = extractor.of_query(query)
        near = index.near(Probe(all_eight(query), binary(descriptor.describe(query, QUERY_VIEWS)), keypoints))
        placed = [
            (place(keypoints, known.keypoints, _size(query), (known.width, known.height)), known)
            for known in map(signatures.__getitem__, near)
        ]
        best = sorted(((found, known) for found, known in placed if found is not None), key=lambda one: -one[0].inliers)[:_NEAREST]
        for found, known in best:
            right = original is not None and known is signatures[original]
            if not right and not differ(known.pixels(), pixels):
                # The same photo twice among those that teach.
                continue
            case = _laid("copy" if right else "stranger", photo, query, found, known.pixels())
            if case is not None:
                cases.append(case)
    return cases


def _laid(kind: str, photo: int, query: Pixels, placement: Placement, reference: Pixels) -> Case | None:
    agreed = agreement(compared(query), reference, placement.matrix)
    return None if agreed is None else Case(kind, photo, planes(placement, agreed).astype(np.float16))


def _size(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def _enlarged(pixels: Pixels, rng: Generator) -> Pixels:
    if rng.random() < 0.5:
        return pixels
    by = rng.uniform(*_LARGER)
    return np.asarray(cv2.resize(pixels, None, fx=by, fy=by, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def differ(one: Pixels, other: Pixels) -> bool:
    """Whether two pictures of one scene differ to the eye: by a tenth of the range on a hundredth of their area."""
    coarse = [cv2.resize(pixels, (48, 48), interpolation=cv2.INTER_AREA).astype(np.int64) for pixels in (one, other)]
    return bool((np.abs(coarse[0] - coarse[1]).max(axis=2) > 25).mean() > 0.01)
