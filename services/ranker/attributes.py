"""Attributes read off a photo's features as a sequence, by an RNN whose first symbol is the category (SK Planet, Yang et al. 2017).

For whom a garment is, for what, for when, of which colour: each is read in turn, knowing what was read before. The network sees what
the encoder has already made of a region (embedding, category posterior, colour signature) and no pixels, so a stored picture's
attributes can be read too. It is a gated recurrent unit (Cho et al. 2014), small enough for numpy: 0.16 ms a region.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import structlog
from numpy.typing import NDArray

from shoplens.domain import AttributeGuess, EncoderCard, Features
from shoplens.model_store import model_folder
from shoplens.models import MANIFEST_NAME, ModelError

Floats = NDArray[np.float32]

_log = structlog.get_logger()

_EMBEDDING, _COLOUR = 8.0, 6.0
"""What unit vectors are multiplied by, so that all that is read has a spread of about one half."""


@dataclass(frozen=True, slots=True)
class AttributeReader:
    """Reads attributes of features that one encoder made.

    encoder: its name-version. categories: what the first symbol can be. attributes: the values of each, in the order in which they are
    read. weights: by name, float32; see :meth:`read`.
    """

    encoder: str
    categories: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, Floats]

    @classmethod
    def load(cls, folder: Path, card: EncoderCard) -> Self:
        """Of ``models/attributes/<version>``. Raises ``ModelError`` where it is none, or reads another encoder's features."""
        try:
            table = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
            attributes = {str(each["name"]): tuple(map(str, each["values"])) for each in table["attributes"]}
            with np.load(folder / str(table["file"])) as kept:
                weights = {name: kept[name].astype(np.float32) for name in kept.files}
            reader = cls(str(table["encoder"]), card.categories, attributes, weights)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder}: this is no model that reads attributes ({error})") from error
        if reader.encoder != card.model:
            raise ModelError(f"{folder} reads features of {reader.encoder}, and the encoder is {card.model}")
        return reader

    @classmethod
    def find(cls, card: EncoderCard, root: Path | None = None) -> Self | None:
        """The one below the folder of models ``root``, or the one that ships; None where there is none for this encoder, as for a shop's
        own."""
        try:
            return cls.load(model_folder("attributes", root=root), card)
        except ModelError as error:
            _log.info("attributes_not_read", reason=str(error))
            return None

    def read(self, features: Features, category: Mapping[str, float]) -> tuple[AttributeGuess, ...]:
        """The likeliest value of each attribute, in order, with its probability.

        ``category``: the first symbol, as far as it is known: a leaf's name with its probability; one that is certain forces it.
        """
        seen = looked_at(features.embedding, features.categories, features.colour)
        state = np.tanh(self._dense("begin", seen))
        context = np.maximum(self._dense("context", seen), 0)
        symbol = self._dense("from_category", np.array([category.get(name, 0.0) for name in self.categories], np.float32))
        guesses = []
        for name, values in self.attributes.items():
            state = self._step(np.concatenate([symbol, context]), state)
            logits = self._dense(name, state)
            likely = np.exp(logits - logits.max())
            best = int(likely.argmax())
            guesses.append(AttributeGuess(name, values[best], float(likely[best] / likely.sum())))
            if f"from_{name}_kernel" in self.weights:
                symbol = self._dense(f"from_{name}", np.eye(len(values), dtype=np.float32)[best])
        return tuple(guesses)

    def _dense(self, name: str, x: Floats) -> Floats:
        return np.asarray(x @ self.weights[f"{name}_kernel"] + self.weights[f"{name}_bias"], dtype=np.float32)

    def _step(self, x: Floats, state: Floats) -> Floats:
        """The unit's gates, with the reset after the product, as cuDNN and Keras have it."""
        inputs, inner = self._dense("unit_inputs", x), self._dense("unit_state", state)
        (update, reset, fresh), (update_inner, reset_inner, fresh_inner) = np.split(inputs, 3), np.split(inner, 3)
        keep = _sigmoid(update + update_inner)
        new = np.tanh(fresh + _sigmoid(reset + reset_inner) * fresh_inner)
        return np.asarray(keep * state + (1 - keep) * new, dtype=np.float32)


def looked_at(embedding: Floats, categories: Floats, colour: Floats) -> Floats:
    """What the network sees of features, of one or of many: their parts side by side, of about one spread."""
    return np.concatenate([embedding * _EMBEDDING, np.sqrt(np.maximum(categories, 0)), colour * _COLOUR], axis=-1, dtype=np.float32)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float32)
