"""The training loop: the lower backbone stays as ImageNet made it, the rest learns; the weights' running mean is kept.

On a graphics card or on a CPU, by any backend of Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, pi
from pathlib import Path

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from rich.progress import track

from training.detector.batches import Source
from training.detector.loss import Targets, detection_loss
from training.detector.network import STRIDES, Network
from training.state import State

_SAVED_EVERY = 250
_TOLD_EVERY = 50


@dataclass(frozen=True, slots=True)
class Recipe:
    """takes: so many pictures are seen, ``batch`` of them a step; rate: of AdamW, at its highest.

    The rate rises for the first ``warm_up`` of the steps and falls by half a cosine; ``average`` is the momentum of the weights'
    running mean.
    """

    takes: int
    batch: int = 64
    rate: float = 1.2e-3
    warm_up: float = 0.03
    decay: float = 0.02
    average: float = 0.997
    seed: int = 7

    @property
    def steps(self) -> int:
        return max(1, self.takes // self.batch)

    def at(self, step: int) -> float:
        """The learning rate at a step."""
        progress = step / self.steps
        return self.rate * min(1.0, (progress + 1e-3) / self.warm_up) * 0.5 * (1 + cos(pi * progress))

    def scaled(self, effort: float) -> Recipe:
        """The same with a share of the takes, 0..1; smaller steps where there would be few."""
        return self if effort == 1 else replace(self, takes=int(self.takes * effort), batch=min(self.batch, 16))


class Lesson(keras.Model):
    """From pictures, uint8 ``[n, height, width, 3]``, to the loss against the labels."""

    def __init__(self, pupil: Network) -> None:
        super().__init__(name="detector_lesson", dtype="float32")
        self.trunk, self.crown = pupil.trunk, pupil.crown
        self.centres = _centres(*pupil.trunk.input_shape[1:3])

    def call(self, images: object, training: bool | None = None) -> dict[str, object]:
        pixels = ops.cast(images, "float32") / 127.5 - 1.0
        return dict(self.crown(self.trunk(pixels, training=False), training=training))

    # ruff: noqa: ARG002  Keras names and passes them all.
    def compute_loss(
        self, x: object = None, y: Mapping[str, object] | None = None, y_pred: Mapping[str, object] | None = None,
        sample_weight: object = None, training: bool = True,
    ) -> object:  # fmt: skip
        assert y is not None
        assert y_pred is not None
        targets = Targets(*(ops.convert_to_tensor(y[name]) for name in Targets._fields))
        logits, boxes = ops.cast(y_pred["logits"], "float32"), ops.cast(y_pred["boxes"], "float32")
        return detection_loss(logits, boxes, ops.convert_to_tensor(self.centres), targets)


def train(pupil: Network, source: Source, recipe: Recipe, kept: Path) -> None:
    """Teach the pupil; it ends with the mean of its weights. Goes on from the last state in the file ``kept``."""
    keras.utils.set_random_seed(recipe.seed)
    lesson = Lesson(pupil)
    optimizer = keras.optimizers.AdamW(
        recipe.rate, weight_decay=recipe.decay, beta_2=0.99, global_clipnorm=10.0, use_ema=True,
        ema_momentum=recipe.average if recipe.steps > 1_000 else 0.98,
    )  # fmt: skip
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    lesson.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    state = State(pupil.crown, optimizer, kept)
    done = state.restore()
    batches = source.batches(recipe.batch, recipe.steps - done, recipe.seed + done)
    for step, batch in enumerate(track(batches, "learning", total=recipe.steps - done), done):
        optimizer.learning_rate = recipe.at(step)
        told = lesson.train_on_batch(batch.images, batch.labels, return_dict=True)
        if step % _TOLD_EVERY == 0:
            print(f"step {step} of {recipe.steps}, loss {told['loss']:.3f}", flush=True)
            lesson.reset_metrics()
        if step + 1 == recipe.steps:
            optimizer.finalize_variable_values(pupil.crown.trainable_variables)
        if (step + 1) % _SAVED_EVERY == 0 or step + 1 == recipe.steps:
            state.save(step + 1)


def _centres(height: int, width: int) -> NDArray[np.float32]:
    """``[locations, 3]``: x, y and stride of every location, in the head's order."""
    levels = []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride].reshape(2, -1) * stride + stride / 2
        levels.append(np.stack([x, y, np.full_like(x, stride)], axis=-1))
    return np.concatenate(levels).astype(np.float32)
