"""The training loop: the lower backbone stays as ImageNet made it, the rest learns; the averaged weights are kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.detector.batches import Batch, Source
from training.detector.loss import Targets, detection_loss
from training.detector.network import STRIDES, Network


@dataclass(frozen=True, slots=True)
class Recipe:
    """batch: pictures a step; rate: of the fresh layers, the pretrained ones learn at ``pretrained`` times that.

    Warm-up is linear, then a cosine down to nothing; ``average`` is the momentum of the weights' running mean.
    """

    steps: int
    batch: int = 16
    rate: float = 2e-3
    pretrained: float = 0.2
    warm_up: int = 100
    decay: float = 0.02
    average: float = 0.998
    seed: int = 7

    def at(self, step: int) -> float:
        """The learning rate's share at a step, 0..1."""
        rise = min(1.0, (step + 1) / self.warm_up)
        return rise * 0.5 * (1.0 + float(np.cos(np.pi * min(step / self.steps, 1.0))))


class Trainer:
    """Owns the optimisers and the running mean of the crown's weights."""

    def __init__(self, parts: Network, source: Source, recipe: Recipe) -> None:
        self._parts, self._source, self._recipe = parts, source, recipe
        self._fresh = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.decay, beta_2=0.99)
        self._pretrained = keras.optimizers.AdamW(recipe.rate * recipe.pretrained, weight_decay=recipe.decay, beta_2=0.99)
        self._fresh.build(parts.fresh)
        self._pretrained.build(parts.pretrained)
        self._mean = [tf.Variable(weight.numpy()) for weight in parts.crown.weights]
        self._centres = tf.constant(_centres(source.height, source.width))
        # Compiled, the loss's many small tensors never reach memory: a quarter of the time.
        self._loss = tf.function(detection_loss, jit_compile=True)

    def run(self, checkpoint: Path, start: int = 0, every: int = 150) -> Iterator[int]:
        """Train from step ``start`` on; yields after every checkpoint, which holds the averaged weights."""
        recipe, since, losses = self._recipe, time.monotonic(), []
        batches = self._source.batches(recipe.batch, recipe.steps - start, recipe.seed + start)
        for step, batch in enumerate(batches, start):
            share = recipe.at(step)
            self._fresh.learning_rate = recipe.rate * share
            self._pretrained.learning_rate = recipe.rate * recipe.pretrained * share
            momentum = min(recipe.average, (1 + step) / (10 + step))
            losses.append(float(self._step(*_tensors(batch), tf.constant(momentum, tf.float32))))
            done = step + 1
            if done % 20 == 0:
                pace = (time.monotonic() - since) / (done - start)
                left = (recipe.steps - done) * pace / 60
                print(f"step {done}/{recipe.steps}  loss {np.mean(losses[-50:]):.3f}  {pace:.2f} s/step  {left:.0f} min left", flush=True)
            if done % every == 0 or done == recipe.steps:
                self.save(checkpoint)
                yield done

    def save(self, path: Path) -> None:
        """Write the averaged weights, and go on with the current ones."""
        crown = self._parts.crown
        current = crown.get_weights()
        crown.set_weights([weight.numpy() for weight in self._mean])
        path.parent.mkdir(parents=True, exist_ok=True)
        crown.save_weights(path)
        crown.set_weights(current)

    @tf.function
    def _step(self, images: tf.Tensor, targets: Targets, momentum: tf.Tensor) -> tf.Tensor:
        parts = self._parts
        features = parts.trunk(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)
        fresh, pretrained = parts.fresh, parts.pretrained
        with tf.GradientTape() as tape:
            outputs = parts.crown(features, training=True)
            loss = self._loss(outputs["logits"], outputs["boxes"], self._centres, targets)
        gradients = tape.gradient(loss, [variable.value for variable in [*pretrained, *fresh]])
        gradients, _ = tf.clip_by_global_norm(gradients, 10.0)
        self._pretrained.apply(gradients[: len(pretrained)], pretrained)
        self._fresh.apply(gradients[len(pretrained) :], fresh)
        for mean, weight in zip(self._mean, parts.crown.weights, strict=True):
            mean.assign_sub((1.0 - momentum) * (mean - weight.value))
        return loss


def _tensors(batch: Batch) -> tuple[tf.Tensor, Targets]:
    return tf.constant(batch.images), Targets(tf.constant(batch.boxes), tf.constant(batch.present), tf.constant(batch.judged))


def _centres(height: int, width: int) -> np.ndarray:
    """``[locations, 3]``: x, y and stride of every location, in the head's order."""
    levels = []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride].reshape(2, -1) * stride + stride / 2
        levels.append(np.stack([x, y, np.full_like(x, stride)], axis=-1))
    return np.concatenate(levels).astype(np.float32)
