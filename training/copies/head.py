"""The descriptor's linear layer: what is the same in a picture and its edited copies, and nowhere else.

It begins as a linear discriminant of instances, is turned so that the signs of its numbers say most (ITQ, Gong & Lazebnik 2011),
and then learns by itself as SSCD does (Pizzi et al. 2022): InfoNCE among many pictures, with an entropy term that keeps each
picture away from its nearest stranger, both for the numbers and for their signs.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from rich.progress import track

from training.copies.network import WIDTH
from training.copies.photos import Photo
from training.copies.views import VIEWS, views
from training.discriminant import instance_discriminant

Floats = NDArray[np.float32]

STEPS = 200
_PICTURES = 768
_TEMPERATURES = {"numbers": 0.05, "signs": 0.06}
_ENTROPY = 0.3
_STAY = 2.0
"""What it costs to leave the discriminant: the features of 9,000 pictures could be learned by heart."""


def view_features(model: keras.Model, photos: Sequence[Photo], side: int, seed: int) -> Floats:
    """``[n, VIEWS, d]``: the backbone's features of the views of each photo."""
    infer = tf.function(lambda images: model(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False)["features"])
    parts = [infer(images).numpy() for images in track(views(photos, side=side, seed=seed), "features", total=len(photos))]
    return np.stack(parts).astype(np.float32)


def fit_head(features: Floats, seed: int) -> tuple[Floats, Floats]:
    """Kernel ``[d, 256]`` and bias ``[256]``, from ``features [n, VIEWS, d]``: two of references, then two of copies."""
    kernel, bias = instance_discriminant(features, WIDTH)
    plain = features[:, 0] @ kernel + bias
    turn = _turned(plain / np.linalg.norm(plain, axis=1, keepdims=True), seed)
    scale = 16 / np.sqrt((plain**2).sum(axis=1).mean())
    return _refined(features, kernel @ turn * scale, bias @ turn * scale, seed)


def _turned(units: Floats, seed: int) -> Floats:
    """The rotation ``[256, 256]`` under which signs keep most."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(WIDTH, WIDTH)))[0]
    for _ in range(40):
        left, _, right = np.linalg.svd(np.sign(units @ turn).T @ units)
        turn = (left @ right).T
    return turn.astype(np.float32)


def _refined(features: Floats, kernel: Floats, bias: Floats, seed: int) -> tuple[Floats, Floats]:
    rng, count = np.random.default_rng(seed), len(features)
    weights, offset, start = tf.Variable(kernel), tf.Variable(bias), tf.constant(kernel)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, STEPS))
    optimizer.build([weights, offset])

    @tf.function
    def step(references: tf.Tensor, copies: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = _STAY * tf.reduce_sum((weights - start) ** 2) / tf.reduce_sum(start**2)
            one, other = references @ weights + offset, copies @ weights + offset
            loss += _loss(tf.nn.l2_normalize(one, 1), tf.nn.l2_normalize(other, 1), _TEMPERATURES["numbers"])
            loss += _loss(tf.tanh(one * 1.5) / WIDTH**0.5, tf.tanh(other * 1.5) / WIDTH**0.5, _TEMPERATURES["signs"])
        optimizer.apply(tape.gradient(loss, [weights, offset]), [weights, offset])

    for _ in track(range(STEPS), "head"):
        rows = rng.choice(count, min(_PICTURES, count), replace=False)
        references = features[rows, rng.integers(0, VIEWS // 2, len(rows))]
        step(references, features[rows, rng.integers(VIEWS // 2, VIEWS, len(rows))])
    return weights.numpy(), offset.numpy()


def _loss(references: tf.Tensor, copies: tf.Tensor, temperature: float) -> tf.Tensor:
    count = tf.shape(references)[0]
    logits, labels = references @ tf.transpose(copies) / temperature, tf.range(count)
    there = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    back = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.transpose(logits))
    nearest = tf.reduce_max(references @ tf.transpose(references) - 2 * tf.eye(count), axis=1)
    entropy = -tf.reduce_mean(tf.math.log(tf.sqrt(tf.maximum(2 - 2 * nearest, 1e-4))))
    return tf.reduce_mean(there + back) / 2 + _ENTROPY * entropy
