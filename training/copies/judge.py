"""The network that says whether a picture laid over another is its copy, from the cells that agree and those that do not.

A few convolutions over the maps of :mod:`services.copies.agreement`. An edit leaves its own marks in them: a sticker has edges of
its own, words are thin, noise is everywhere. A garment that was dyed keeps its edges and leaves everything else alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.random import Generator
from numpy.typing import NDArray
from rich.console import Console

from services.copies.agreement import CHANNELS, GRID
from services.copies.probability import EVIDENCE
from training import lite
from training.copies.cases import Case

Floats = NDArray[np.float32]

EPOCHS, FURTHER_EPOCHS = 20, 6
_BATCH, _RATE, _FURTHER_RATE, _WARM_UP, _DECAY = 64, 1.5e-3, 1.2e-3, 200, 1e-2
_AVERAGED = 0.995
"""What ships is the weights' running mean, whose judgement hangs less on the last few batches."""

_HELD_BACK = 10
"""One photo in so many sets the threshold and teaches nothing."""

_COUNTS = {"copy": 1.0, "stranger": 1.0, "dyed": 1.0, "dyed_once": 0.15, "dyed_edited": 0.05}
"""What a case counts for: edited copies of another colour are rarer than what shops have by the thousand, other colours as they are,
and where the right colour is known too, it wins by itself (see :mod:`services.copies.rivals`)."""

_FALSE = 1 / 500
"""Of the strangers and other colours, those that may be called a copy."""

_LEAST_IN_PART = 60
"""Cells that must be left to judge by."""

_LOUDER = np.array([1] * 6 + [4, 4, 4, 8] + [1] * 3, np.float32)
"""Differences of a few hundredths decide; they are brought to the size of the rest."""


def judge(mean: Floats, spread: Floats) -> keras.Model:
    """``[n, 40, 40, 13 + 12]``, maps and evidence, to the logit of a copy ``[n, 1]``. mean, spread: of the evidence ``[12]``."""
    planes = keras.Input((GRID, GRID, CHANNELS + len(EVIDENCE)), name="planes")
    maps = planes[..., :CHANNELS] * _LOUDER
    evidence = keras.layers.GlobalAveragePooling2D()(planes[..., CHANNELS:])
    said = keras.layers.Dense(24, activation="relu")(ops.clip((evidence - mean) / spread, -4, 4))
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(maps)
    x = keras.layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    # What was seen of the whole tells what a cell means: in a noisy copy a speck is nothing.
    x = x + keras.layers.Reshape((1, 1, 32))(keras.layers.Dense(32)(said))
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(64, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    share = keras.layers.AveragePooling2D(4)(maps[..., CHANNELS - 1 :])
    average = ops.sum(x * share, axis=(1, 2)) / (ops.sum(share, axis=(1, 2)) + 1e-3)
    pooled = keras.layers.Concatenate()([average, keras.layers.GlobalMaxPooling2D()(x), said])
    hidden = keras.layers.Dense(48, activation="relu")(keras.layers.Dropout(0.2)(pooled))
    return keras.Model(planes, keras.layers.Dense(1, name="logit")(hidden), name="judge")


def fit_judge(cases: Sequence[Case], seed: int, begun: keras.Model | None = None) -> keras.Model:
    """The network. begun: one that has learned, which is taught further; ``cases`` are then best new ones."""
    held_back = _held_back(cases)
    copy = np.array([case.kind == "copy" for case in cases], np.float32)
    counts = np.array([_COUNTS[case.kind] for case in cases], np.float32)
    evidence = np.stack([case.planes[0, 0, CHANNELS:] for case in cases]).astype(np.float32)
    model = begun or judge(evidence[~held_back].mean(axis=0), evidence[~held_back].std(axis=0) + 1e-3)
    rows, rng = np.flatnonzero(~held_back), np.random.default_rng(seed)
    steps = len(rows) // _BATCH
    epochs, most = (EPOCHS, _RATE) if begun is None else (FURTHER_EPOCHS, _FURTHER_RATE)
    rate = keras.optimizers.schedules.CosineDecay(most / 100, epochs * steps, alpha=1e-2, warmup_target=most, warmup_steps=_WARM_UP)
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.01)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=_DECAY, use_ema=True, ema_momentum=_AVERAGED), loss)
    for epoch in range(epochs):
        losses = []
        for batch in np.array_split(rng.permutation(rows), steps):
            seen = np.stack([varied(cases[row].planes, rng) for row in batch])
            losses.append(model.train_on_batch(seen, copy[batch][:, None], sample_weight=counts[batch]))
        Console().print(f"judge, epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.4f}, {_told(model, cases, held_back)}")
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return model


def parameters_of(model: keras.Model, cases: Sequence[Case]) -> dict[str, object]:
    """The manifest's ``judge``: what it sees, and the threshold that keeps false copies to one in 500 of the cases held back."""
    return {"evidence": list(EVIDENCE), "threshold": _threshold(model, cases, _held_back(cases))}


def _held_back(cases: Sequence[Case]) -> NDArray[np.bool_]:
    return np.array([case.photo % _HELD_BACK == 0 for case in cases])


def varied(planes: NDArray[np.float16], rng: Generator) -> Floats:
    """The same case turned, mirrored, in other colours, or in part: what it is remains."""
    maps = planes.astype(np.float32)
    if rng.random() < 0.5:
        maps = maps[:, ::-1]
    if rng.random() < 0.5:
        maps = maps[::-1]
    if rng.random() < 0.5:
        maps = maps.transpose(1, 0, 2)
    channels = np.arange(maps.shape[2])
    channels[0:9] = (rng.permutation(3)[None] + np.array([[0], [3], [6]])).ravel()
    maps = maps[..., channels]
    if rng.random() < 0.3:
        maps = _in_part(maps, rng)
    return maps


def _in_part(maps: Floats, rng: Generator) -> Floats:
    reach, (y, x) = int(rng.integers(8, 24)), rng.integers(0, GRID, 2)
    part = np.zeros((GRID, GRID, 1), np.float32)
    part[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach] = 1
    if (maps[..., CHANNELS - 1 : CHANNELS] * part).sum() < _LEAST_IN_PART:
        return maps
    return np.concatenate([maps[..., :CHANNELS] * part, maps[..., CHANNELS:]], axis=2)


def _logits(model: keras.Model, cases: Sequence[Case]) -> Floats:
    planes = (np.stack([case.planes for case in cases[start : start + 256]]) for start in range(0, len(cases), 256))
    return np.concatenate([model.predict_on_batch(some.astype(np.float32))[:, 0] for some in planes])


def _threshold(model: keras.Model, cases: Sequence[Case], held_back: NDArray[np.bool_]) -> float:
    """The least probability that at most one in 500 of the held-back strangers and other colours reach."""
    wrong = [case for case, out in zip(cases, held_back, strict=True) if out and case.kind in ("stranger", "dyed")]
    logits = np.sort(_logits(model, wrong))[::-1]
    limit = float(logits[int(len(logits) * _FALSE)])
    return round(1 / (1 + float(np.exp(-limit))) + 5e-4, 3)


def _told(model: keras.Model, cases: Sequence[Case], held_back: NDArray[np.bool_]) -> str:
    out = [case for case, held in zip(cases, held_back, strict=True) if held]
    logits, kinds = _logits(model, out), np.array([case.kind for case in out])
    threshold = _threshold(model, cases, held_back)
    above = logits > np.log(threshold / (1 - threshold))
    shares = ", ".join(f"{kind} {above[kinds == kind].mean():.3f}" for kind in _COUNTS if (kinds == kind).any())
    return f"held back above {threshold:.3f}: {shares}"


def convert(model: keras.Model) -> bytes:
    """The network as LiteRT."""

    def serve(planes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logit": model(planes, training=False)}

    return lite.convert(model, serve, "planes", (GRID, GRID, CHANNELS + len(EVIDENCE)))
