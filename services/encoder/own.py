"""A shop's own embedding in the place of the shipped one.

Looks are what shops differ in: who trained a network on their own photos, or likes one from a hub, keeps it. A manifest that
declares an ``embedding`` and nothing else names such a network; category, mask and colours stay the shipped encoder's, which
looks at the same boxes. The index belongs to the embedding: its card carries the own network's name and width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from services.encoder.engine import LiteRtEncoder
from shoplens import deadlines
from shoplens.cores import Cores
from shoplens.domain import Box, EncoderCard, Features, Picture
from shoplens.engines import open_model
from shoplens.model_store import model_folder
from shoplens.models import Manifest, ModelError
from shoplens.ports import Encoder
from shoplens.scaling import scaled


class OwnEmbedding:
    """Implements :class:`shoplens.ports.Encoder`; safe to call from many threads."""

    def __init__(self, manifest: Manifest, base: Encoder, cores: Cores | None = None) -> None:
        """``base`` says everything but the embedding. Raises ModelError where the file does not give what the manifest says."""
        self._base, self._input = base, manifest.input
        spec = manifest.outputs["embedding"]
        self._tensor = spec.tensor or "embedding"
        self._card = replace(base.card(), name=manifest.name, version=manifest.version, embedding_width=int(np.prod(spec.shape)))
        self._model = open_model(manifest.path, cores or Cores())
        self._try(manifest)

    def _try(self, manifest: Manifest) -> None:
        """One look at a grey square: a wrong output or width is better known now than at the first photo."""
        grey = np.full((1, self._input.height, self._input.width, 3), 128, np.uint8)
        try:
            outputs = self._model(self._input.normalise(grey))
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{manifest.path}: it does not take the input that its manifest describes ({error})") from error
        if self._tensor not in outputs:
            raise ModelError(
                f"{manifest.path}: it has no output {self._tensor!r}, only {sorted(outputs)}; name one as the embedding's tensor"
            )
        if outputs[self._tensor].size != self._card.embedding_width:
            given = outputs[self._tensor].size
            raise ModelError(f"{manifest.path}: it gives {given} numbers a picture, the manifest says {self._card.embedding_width}")

    def card(self) -> EncoderCard:
        return self._card

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> list[Features]:
        """Features of each box, in order. Raises DeadlineExceeded."""
        if not boxes:
            return []
        features = self._base.encode(picture, boxes)
        deadlines.check()
        crops = np.stack([scaled(box.crop(picture.pixels), self._input.width, self._input.height) for box in boxes])
        looks = self._model(self._input.normalise(crops))[self._tensor].reshape(len(boxes), -1)
        unit = looks / np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-12)
        return [replace(each, embedding=look.astype(np.float32)) for each, look in zip(features, unit, strict=True)]


def open_encoder(root: Path | None, cores: Cores | None = None) -> Encoder:
    """The newest encoder below the folder of models ``root``, with the shipped one behind it where it is an embedding alone."""
    folder = model_folder("encoder", root=root)
    manifest = Manifest.load(folder)
    if set(manifest.outputs) == {"embedding"}:
        return OwnEmbedding(manifest, LiteRtEncoder(model_folder("encoder"), cores), cores)
    return LiteRtEncoder(folder, cores)
