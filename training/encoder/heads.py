"""The heads that ship, fitted on the finished trunk: the embedding in closed form, the category by logistic regression."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from rich.progress import track

from shoplens.domain import Pixels
from training.encoder.augment import augment, floor_patch
from training.encoder.discriminant import Floats, instance_discriminant
from training.encoder.photos import LEAVES, Photo

PRODUCTS = 4000
HARD_VIEWS = 2


def category_head(features: Floats, labels: NDArray[np.int64], seed: int) -> tuple[Floats, Floats]:
    """Kernel ``[d, leaves]`` and bias of a logistic regression on ``features [n, d]``; rare leaves count for more."""
    counts = np.bincount(labels, minlength=len(LEAVES))
    weights = (1 / np.sqrt(np.maximum(counts, 1)))[labels]
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((features.shape[1],))
    head = keras.layers.Dense(len(LEAVES), kernel_regularizer=keras.regularizers.L2(2e-6))
    model = keras.Model(inputs, head(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(features, labels, sample_weight=weights / weights.mean(), batch_size=256, epochs=20, verbose=0)
    kernel, bias = head.get_weights()
    return kernel, bias


def fit_heads(served: keras.Model, photos: Sequence[Photo], masks: NDArray[np.uint8], seed: int) -> None:
    """Fit both heads of a served network on training photos: each as it is, and hard views of it."""
    rng = np.random.default_rng(seed)
    taught = [row for row, photo in enumerate(photos) if not photo.held_back]
    chosen = rng.permutation(taught)[:PRODUCTS]
    floors = [photo for photo in photos if photo.origin == "clothing_cc0" and not photo.held_back]
    side = served.input_shape[1]
    views = 1 + HARD_VIEWS
    infer = tf.function(lambda images: served(images, training=False)["features"])

    def pictures(row: int) -> list[Pixels]:
        photo = photos[row].read()
        own = np.random.default_rng((seed, row))
        hard = [
            augment(photo, masks[row], floor_patch(floors[own.integers(len(floors))].read(), own), side, own, gentle=False).pixels
            for _ in range(HARD_VIEWS)
        ]
        return [np.asarray(cv2.resize(photo, (side, side)), dtype=np.uint8), *hard]

    batches = []
    for start in track(range(0, len(chosen), 10), "features for the heads"):
        images = np.stack([view for row in chosen[start : start + 10] for view in pictures(int(row))])
        batches.append(infer(images.astype(np.float32) / 127.5 - 1).numpy())
    features = np.concatenate(batches).reshape(len(chosen), views, -1)
    served.get_layer("embedding").set_weights(instance_discriminant(features, served.get_layer("embedding").units))
    labels = np.array([photos[row].category for row in chosen], dtype=np.int64)
    known = labels >= 0
    flat = features[known].reshape(-1, features.shape[2])
    served.get_layer("categories").set_weights(category_head(flat, np.repeat(labels[known], views), seed))
