"""What local features are reduced by: the principal components of RootSIFT, and the centres of the words."""

from __future__ import annotations

from collections.abc import Sequence

import faiss
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from services.copies.keypoints import REFERENCE_SIDE, WIDTH, KeypointExtractor, rooted_sift, words
from training.copies.photos import Photo

CENTRES = 4096
_FOR_PROJECTION, _FOR_WORDS = 500, 2500
_STRONGEST = 100

Floats = NDArray[np.float32]


def fit_projection(photos: Sequence[Photo], seed: int) -> tuple[Floats, Floats]:
    """Components ``[128, 64]`` and mean ``[128]``."""
    chosen = np.random.default_rng(seed).choice(len(photos), min(_FOR_PROJECTION, len(photos)), replace=False)
    descriptors = np.concatenate([rooted_sift(photos[row].read(), REFERENCE_SIDE, _STRONGEST) for row in track(chosen, "projection")])
    mean = descriptors.mean(axis=0)
    _, _, axes = np.linalg.svd(descriptors - mean, full_matrices=False)
    return axes[:WIDTH].T.astype(np.float32), mean.astype(np.float32)


def fit_words(photos: Sequence[Photo], extractor: KeypointExtractor, seed: int) -> NDArray[np.uint8]:
    """``[CENTRES, 8]``: k-means in Hamming space over the words of many photos."""
    chosen = np.random.default_rng(seed).choice(len(photos), min(_FOR_WORDS, len(photos)), replace=False)
    codes = np.concatenate([words(extractor.of_reference(photos[row].read())) for row in track(chosen, "words")])
    centres = faiss.IndexBinaryFlat(8 * codes.shape[1])
    index = faiss.IndexBinaryIVF(centres, 8 * codes.shape[1], CENTRES)
    index.cp.niter, index.cp.seed = 10, seed
    index.train(codes)
    return faiss.vector_to_array(centres.xb).reshape(CENTRES, -1)
