"""Teaches the network: instance discrimination first of all, with three lessons beside it.

- **Instance discrimination** (InfoNCE, van den Oord et al. 2018): a hard view of a product must be nearer to its gentle
  view than to every other product of the batch, and of a memory of recent batches (XBM, Wang et al. 2020).
- **Category**: cross-entropy over the taxonomy's leaves. It weighs little; alone it teaches the wrong thing.
- **Mask**: binary cross-entropy against pseudo-masks, Pailitao's soft object mask.
- **ImageNet kept**: any view must say what the untouched network says of the clean photo, so that objects in new places
  are still known.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from rich.progress import track

from training.encoder.backbone import backbone, load_imagenet
from training.encoder.batches import Batch, PairMaker
from training.encoder.network import EMBEDDING_WIDTH, TEACHER_WIDTH, network
from training.encoder.photos import LEAVES, Photo
from training.encoder.weights import StateDict


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every choice of the training. ``side`` in pixels; ``pairs`` products a step; ``memory`` in embeddings.

    imagenet_share: how much of the untouched backbone the blend keeps, 0..1.
    """

    side: int = 160
    pairs: int = 64
    epochs: int = 3
    learning_rate: float = 4e-4
    warm_up_steps: int = 100
    weight_decay: float = 0.02
    temperature: float = 0.06
    memory: int = 4096
    category_weight: float = 0.25
    mask_weight: float = 0.5
    teacher_weight: float = 1.0
    imagenet_share: float = 0.75
    seed: int = 7


def teacher_targets(photos: list[Photo], weights: StateDict, cache: Path) -> NDArray[np.float32]:
    """What bare ImageNet features say of each clean photo: pooled, centred, their 256 first principal parts, unit length."""
    if cache.is_file():
        return np.asarray(np.load(cache), dtype=np.float32)
    teacher = backbone(224, 224)
    load_imagenet(teacher, weights)
    pooled = tf.function(lambda images: tf.reduce_mean(teacher(images)["head"], axis=(1, 2)))
    rows = []
    for start in track(range(0, len(photos), 32), "teacher"):
        images = np.stack([cv2.resize(photo.read(), (224, 224)) for photo in photos[start : start + 32]]).astype(np.float32)
        rows.append(pooled(images / 127.5 - 1).numpy())
    features = np.concatenate(rows)
    features = np.sqrt(np.maximum(features, 0))
    features -= features.mean(axis=0)
    _, axes = np.linalg.eigh(features.T @ features)
    reduced = features @ axes[:, ::-1][:, :TEACHER_WIDTH]
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True) + 1e-9
    np.save(cache, reduced.astype(np.float32))
    return reduced.astype(np.float32)


class Lesson:
    """One training step as a compiled function, with the memory of recent gentle views."""

    def __init__(self, model: keras.Model, recipe: Recipe, steps: int) -> None:
        self.model, self.recipe = model, recipe
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, steps - recipe.warm_up_steps, warmup_target=recipe.learning_rate, warmup_steps=recipe.warm_up_steps
        )
        self.optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, clipnorm=5.0, use_ema=True, ema_momentum=0.995)
        self.optimizer.build(model.trainable_variables)
        self.memory = tf.Variable(tf.zeros([recipe.memory, EMBEDDING_WIDTH]), trainable=False)
        self.memory_rows = tf.Variable(tf.fill([recipe.memory], tf.constant(-1, tf.int64)), trainable=False)

    @tf.function
    def step(self, images: tf.Tensor, masks: tf.Tensor, rows: tf.Tensor, categories: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
        """Learn from one batch; returns the four losses and the share of hard views that found their product."""
        recipe, count = self.recipe, self.recipe.pairs
        with tf.GradientTape() as tape:
            out = self.model(tf.cast(images, tf.float32) / 127.5 - 1.0, training=True)
            gentle, hard = out["embedding"][:count], out["embedding"][count:]
            known = tf.cast(rows[:, None] == self.memory_rows[None], tf.float32) + tf.cast(self.memory_rows[None] < 0, tf.float32)
            past = -1e4 * tf.minimum(known, 1.0)
            labels = tf.range(count)
            losses, right = [], tf.constant(0.0)
            for query, gallery in ((hard, gentle), (gentle, hard)):
                near = tf.matmul(query, gallery, transpose_b=True)
                far = tf.matmul(query, self.memory, transpose_b=True) + past
                logits = tf.concat([near, far], axis=1) / recipe.temperature
                losses.append(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)))
                right = tf.reduce_mean(tf.cast(tf.argmax(near, 1, tf.int32) == labels, tf.float32))
            instance = tf.add_n(losses) / 2
            category = self._category(out["categories"], tf.tile(categories, [2]))
            seen = tf.cast(masks >= 0, tf.float32)
            pixel = tf.nn.sigmoid_cross_entropy_with_logits(tf.maximum(masks, 0.0), out["mask"])
            mask = tf.reduce_sum(pixel * seen) / (tf.reduce_sum(seen) + 1.0)
            memory = 1 - tf.reduce_mean(tf.reduce_sum(out["teacher"] * tf.tile(teacher, [2, 1]), axis=1))
            total = instance + recipe.category_weight * category + recipe.mask_weight * mask + recipe.teacher_weight * memory
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(total, variables), variables)
        self.memory.assign(tf.concat([tf.stop_gradient(gentle), self.memory[:-count]], axis=0))
        self.memory_rows.assign(tf.concat([rows, self.memory_rows[:-count]], axis=0))
        return tf.stack([instance, category, mask, memory, right])

    @staticmethod
    def _category(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        known = tf.cast(labels >= 0, tf.float32)
        targets = tf.one_hot(tf.maximum(labels, 0), len(LEAVES)) * 0.95 + 0.05 / len(LEAVES)
        loss = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        return tf.reduce_sum(loss * known) / (tf.reduce_sum(known) + 1e-6)


def train(photos: list[Photo], masks: NDArray[np.uint8], weights: StateDict, recipe: Recipe, work: Path) -> keras.Model:
    """The trained network. Resumes from the last finished epoch kept in ``work``."""
    keras.utils.set_random_seed(recipe.seed)
    taught = [row for row, photo in enumerate(photos) if not photo.held_back]
    teacher = teacher_targets(photos, weights, work / "teacher.npy")[taught]
    maker = PairMaker([photos[row] for row in taught], masks[taught], side=recipe.side, pairs=recipe.pairs, seed=recipe.seed)
    model = network(recipe.side, len(LEAVES))
    load_imagenet(model.get_layer("efficientnet_lite0"), weights)
    lesson = Lesson(model, recipe, recipe.epochs * maker.steps)
    done = tf.Variable(0, trainable=False, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=lesson.optimizer, memory=lesson.memory, rows=lesson.memory_rows, done=done)
    manager = tf.train.CheckpointManager(checkpoint, str(work / "checkpoints"), max_to_keep=1)
    if manager.latest_checkpoint:
        checkpoint.restore(manager.latest_checkpoint).expect_partial()
    for epoch in range(int(done.numpy()), recipe.epochs):
        mean = np.zeros(5)
        for number, batch in enumerate(track(maker.epoch(epoch), f"epoch {epoch + 1} of {recipe.epochs}", total=maker.steps)):
            mean += (_learn(lesson, batch, teacher) - mean) / min(number + 1, 50)
        print("instance {:.3f}  category {:.3f}  mask {:.3f}  teacher {:.3f}  found {:.3f}".format(*mean), flush=True)
        done.assign(epoch + 1)
        manager.save()
    return model


def blend(model: keras.Model, weights: StateDict, imagenet_share: float) -> None:
    """Move the backbone's weights part of the way back to ImageNet's (WiSE-FT, Wortsman et al. 2022).

    What lies between the two networks knows more than either: here, other views of a product, and other objects.
    """
    body = model.get_layer("efficientnet_lite0")
    taught = body.get_weights()
    load_imagenet(body, weights)
    body.set_weights([imagenet_share * old + (1 - imagenet_share) * new for old, new in zip(body.get_weights(), taught, strict=True)])


def _learn(lesson: Lesson, batch: Batch, teacher: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(lesson.step(batch.images, batch.masks, batch.rows, batch.categories, teacher[batch.rows]).numpy())
