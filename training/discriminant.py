"""The embedding's projection: a linear discriminant (Fisher 1936) of **instances**, not of classes.

The directions in which photos of one product differ from each other (light, crop, background, mirror image) are shrunk,
those in which products differ are kept. Class labels would teach it that all blue T-shirts are one; instances teach it
what sets two of them apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SHRINKAGE = 1.0
"""Added to the within-product scatter, in units of its mean variance: few views of few products say little of rare directions."""

Floats = NDArray[np.float32]


def instance_discriminant(features: Floats, width: int) -> tuple[Floats, Floats]:
    """Kernel ``[d, width]`` and bias ``[width]`` of the discriminant, from ``features [products, views, d]``."""
    mean = features.mean(axis=(0, 1))
    centres = features.mean(axis=1)
    within = (features - centres[:, None]).reshape(-1, features.shape[2]).astype(np.float64)
    scatter = within.T @ within / (features.shape[0] * (features.shape[1] - 1))
    scatter += _SHRINKAGE * np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    sizes, axes = np.linalg.eigh(scatter)
    whiten = axes / np.sqrt(sizes)
    _, between = np.linalg.eigh(whiten.T @ np.cov(centres.T.astype(np.float64)) @ whiten)
    kernel = whiten @ between[:, ::-1][:, :width]
    kernel /= np.sqrt(np.trace(kernel.T @ scatter @ kernel) / width)
    return kernel.astype(np.float32), (-mean @ kernel).astype(np.float32)
