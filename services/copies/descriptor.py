"""The copy descriptor: 256 numbers for a view of a picture, near for copies and far for everything else, and 256 bits of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.copies.fingerprint import Codes
from shoplens.cores import Cores
from shoplens.domain import Box, Pixels
from shoplens.models import LiteRtModel, Manifest, ModelError
from shoplens.scaling import scaled

Floats = NDArray[np.float32]


class CopyDescriptor:
    """Runs ``models/copies/<version>``; safe to call from many threads."""

    def __init__(self, model_dir: Path | str, cores: Cores | None = None) -> None:
        """Raises ModelError where the folder holds no copy descriptor of 256 numbers."""
        self.manifest = Manifest.load(model_dir)
        output = self.manifest.outputs.get("descriptor")
        if output is None or output.shape != (256,):
            raise ModelError(f"{model_dir}: a copy descriptor's manifest declares the output 'descriptor' of 256 numbers")
        self._model = LiteRtModel(self.manifest.path, cores)

    @property
    def version(self) -> str:
        """Names the model; signatures of different versions cannot be compared."""
        return f"{self.manifest.name}-{self.manifest.version}"

    def describe(self, pixels: Pixels, views: Sequence[Box]) -> Floats:
        """``[len(views), 256]``, each of unit length. The model sees each view stretched to its square input."""
        wanted = self.manifest.input
        crops = np.stack([scaled(view.crop(pixels), wanted.width, wanted.height) for view in views])
        return self._model(wanted.normalise(crops))["descriptor"]


def binary(descriptors: Floats) -> Codes:
    """The sign of each number: ``[n, 256]`` to ``[n, 32]``. Hamming distance then follows the angle (Charikar 2002)."""
    return np.packbits(descriptors > 0, axis=1)
