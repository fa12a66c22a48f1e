"""Teaches the reader: every photo in one of its views, its category as the shop says it or as the encoder does, by turns."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import keras
import numpy as np
from keras import ops
from numpy.random import Generator
from numpy.typing import NDArray

from services.ranker.attributes import looked_at
from training.attributes.lessons import VIEWS, Lessons, values
from training.attributes.network import network

BATCH = 128
EPOCHS = 25
_RATE = 2e-3
_DECAY = 0.05
_SMOOTHING = 0.05
_TOLD = 0.5
"""How often the category is the shop's word; else it is the encoder's posterior, as in a search."""

Arrays = dict[str, NDArray[np.float32]]


def train(lessons: Lessons, seed: int, epochs: int = EPOCHS) -> keras.Model:
    """The taught network."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    counts = {name: len(known) for name, known in values().items()}
    taught = np.flatnonzero(~lessons.held_back)
    width = sum(part.shape[-1] for part in (lessons.embedding, lessons.categories, lessons.colour))
    model = network(width, lessons.categories.shape[-1], counts)
    steps = epochs * ceil(len(taught) / BATCH)
    rate = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=_DECAY), loss=dict.fromkeys(counts, _known_only))
    for epoch in range(epochs):
        told = model.fit(*_epoch(lessons, taught, counts, rng), batch_size=BATCH, verbose=0)
        print(f"epoch {epoch + 1} of {epochs}, loss {told.history['loss'][0]:.3f}", flush=True)
    return model


def _known_only(wanted: object, said: object) -> object:
    """Cross-entropy; a target that is all zero, for nobody has said it, costs nothing."""
    return -ops.sum(wanted * ops.log_softmax(said), axis=-1)


def _epoch(lessons: Lessons, rows: NDArray[np.int64], counts: Mapping[str, int], rng: Generator) -> tuple[Arrays, Arrays]:
    view = rng.integers(0, VIEWS, len(rows))
    posterior = lessons.categories[rows, view]
    shop = _one_hot(lessons.kinds[rows], posterior.shape[1])
    told = (rng.random(len(rows)) < _TOLD) & (lessons.kinds[rows] >= 0)
    labels = {name: _one_hot(lessons.labels[rows, place], count) for place, (name, count) in enumerate(counts.items())}
    given = {f"said_{name}": label for name, label in list(labels.items())[:-1]}
    seen = looked_at(lessons.embedding[rows, view], posterior, lessons.colour[rows, view])
    smoothed = {
        name: label * (1 - _SMOOTHING) + label.any(axis=1, keepdims=True) * np.float32(_SMOOTHING / label.shape[1])
        for name, label in labels.items()
    }
    return {"seen": seen, "category": np.where(told[:, None], shop, posterior).astype(np.float32)} | given, smoothed


def _one_hot(labels: NDArray[np.int32], count: int) -> NDArray[np.float32]:
    """``[n, count]``; a row of zeros where the label is −1."""
    return np.asarray(np.eye(count, dtype=np.float32)[np.maximum(labels, 0)] * (labels >= 0)[:, None], dtype=np.float32)
