"""The encoder: boxes of a picture to embedding, category posterior and colour signature, by one LiteRT model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.encoder.colour import ColourSignature, palette
from shoplens import deadlines
from shoplens.cores import Cores
from shoplens.domain import Box, EncoderCard, Features, Picture
from shoplens.models import LiteRtModel, Manifest, ModelError
from shoplens.scaling import scaled

_OUTPUTS = ("embedding", "categories", "mask")


class LiteRtEncoder:
    """Implements :class:`shoplens.ports.Encoder`; safe to call from many threads."""

    def __init__(self, model_dir: Path | str, cores: Cores | None = None) -> None:
        """Load ``models/encoder/<version>``. Raises ModelError where it is no encoder, or not one of this engine's."""
        self._manifest = Manifest.load(model_dir)
        missing = [name for name in _OUTPUTS if name not in self._manifest.outputs]
        if missing:
            raise ModelError(f"{model_dir}: an encoder's manifest declares the outputs {', '.join(missing)} too")
        (embedding_width,) = self._manifest.outputs["embedding"].shape
        colour = self._manifest.parameters["colour"]
        self._colour = ColourSignature.load(self._manifest.path.with_name(str(colour["file"])))
        if int(colour["width"]) != self._colour.width:
            raise ModelError(f"{model_dir}: the manifest says colour signatures {colour['width']} wide, the file {self._colour.width}")
        self._card = EncoderCard(
            name=self._manifest.name,
            version=self._manifest.version,
            embedding_width=embedding_width,
            colour_width=self._colour.width,
            categories=self._manifest.classes,
            palette=palette(self._colour),
        )
        self._model = LiteRtModel(self._manifest.path, cores)

    @property
    def manifest(self) -> Manifest:
        """What the model says of itself; fitted fusion weights and verdict thresholds are among its parameters."""
        return self._manifest

    def card(self) -> EncoderCard:
        return self._card

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> list[Features]:
        """Features of each box, in order. The model sees each box stretched to its square input. Raises DeadlineExceeded."""
        deadlines.check()
        if not boxes:
            return []
        wanted = self._manifest.input
        crops = [scaled(box.crop(picture.pixels), wanted.width, wanted.height) for box in boxes]
        outputs = self._model(wanted.normalise(np.stack(crops)))
        return [
            Features(
                embedding=_unit(outputs["embedding"][row]),
                categories=np.array(outputs["categories"][row], dtype=np.float32),
                colour=self._colour(crops[row], outputs["mask"][row]),
                content_hash=picture.content_hash,
            )
            for row in range(len(boxes))
        ]


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Exactly unit length: half-precision weights leave it off by a few millionths."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
