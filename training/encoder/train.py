"""Teaches the network; :mod:`training.encoder.lesson` says what. On a graphics card or on a CPU, by any backend of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.backbone import Variant, backbone, load_imagenet
from training.encoder.batches import PairMaker, bank
from training.encoder.lesson import Lesson, Weights
from training.encoder.network import TEACHER_WIDTH, network
from training.encoder.photos import ATTRIBUTES, LEAVES, Photo
from training.encoder.views import Bank
from training.state import State
from training.weights import StateDict

WIDTHS: Mapping[str, int] = {name: len(values) for name, values in ATTRIBUTES.items()}
_WARM_UP = 0.03
_SAVED_EVERY = 500
_TOLD_EVERY = 50


@dataclass(frozen=True, slots=True)
class Round:
    """One run of the learning rate up and down. ``products``: so many pairs of views are seen."""

    products: int
    learning_rate: float
    weights: Weights

    def rate(self, progress: float) -> float:
        """The learning rate at ``progress`` 0..1: a short rise, then half a cosine."""
        if progress < _WARM_UP:
            return self.learning_rate * (progress + 1e-3) / _WARM_UP
        return self.learning_rate * 0.5 * (1 + cos(pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every choice of the training. ``side`` in pixels; ``pairs`` products a step: what memory holds.

    effort: the share of the rounds' products that are really seen, 0..1. The network is the mean of what the rounds end with
    (a model soup, Wortsman et al. 2022): here, the first finds other views better, the second knows the categories better,
    and the mean does both.
    """

    side: int = 192
    pairs: int = 64
    effort: float = 1.0
    weight_decay: float = 0.02
    seed: int = 7
    rounds: tuple[Round, ...] = (
        Round(180_000, 8e-4, Weights(category=0.5)),
        Round(422_000, 6e-4, Weights(category=1.0)),
    )


def teacher_targets(photos: Bank, variant: Variant, weights: StateDict, cache: Path) -> NDArray[np.float32]:
    """What bare ImageNet features say of each clean photo: pooled, centred, their 256 first principal parts, unit length."""
    if cache.is_file() and len(kept := np.load(cache)) == len(photos.photos):
        return np.asarray(kept, dtype=np.float32)
    body = backbone(224, 224, variant)
    load_imagenet(body, weights)
    image = keras.Input((224, 224, 3), dtype="uint8")
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(body(keras.layers.Rescaling(1 / 127.5, -1)(image))["head"])
    features = keras.Model(image, pooled).predict(photos.photos, batch_size=64, verbose=0)
    features = np.sqrt(np.maximum(features, 0)).astype(np.float32)
    features -= features.mean(axis=0)
    _, axes = np.linalg.eigh(features.T @ features)
    reduced = features @ axes[:, ::-1][:, :TEACHER_WIDTH]
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True) + 1e-9
    np.save(cache, reduced.astype(np.float32))
    return np.asarray(reduced, dtype=np.float32)


def train(
    photos: Sequence[Photo], masks: NDArray[np.uint8], student: tuple[Variant, StateDict], teacher: tuple[Variant, StateDict],
    recipe: Recipe, work: Path,
) -> keras.Model:  # fmt: skip
    """The trained network. Goes on from the last state kept in ``work``."""
    keras.utils.set_random_seed(recipe.seed)
    taught = [row for row, photo in enumerate(photos) if not photo.held_back]
    lesson_photos = [photos[row] for row in taught]
    pictures = bank(lesson_photos, masks[taught])
    targets = teacher_targets(pictures, *teacher, work / "teacher.npy")
    model = network(recipe.side, len(LEAVES), WIDTHS, student[0])
    load_imagenet(model.get_layer(student[0].name), student[1])
    maker = PairMaker(lesson_photos, pictures, targets, pairs=recipe.pairs, seed=recipe.seed)
    ends = []
    for number, each in enumerate(recipe.rounds, 1):
        lesson = Lesson(model, pictures, WIDTHS, each.weights)
        optimizer = keras.optimizers.AdamW(
            each.learning_rate, weight_decay=recipe.weight_decay, clipnorm=5.0, use_ema=True, ema_momentum=0.995
        )
        lesson.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
        steps = max(1, int(each.products * recipe.effort / recipe.pairs))
        _learn(lesson, maker, each, steps, State(model, optimizer, work / f"round{number}.npz"))
        ends.append(model.get_weights())
    model.set_weights([np.mean(weights, axis=0) for weights in zip(*ends, strict=True)])
    return model


def _learn(lesson: Lesson, maker: PairMaker, course: Round, steps: int, state: State) -> None:
    done = state.restore()
    batches = maker.batches(skip=done)
    for step in track(range(done, steps), "learning", total=steps - done):
        lesson.optimizer.learning_rate = course.rate(step / steps)
        batch = next(batches)
        told = lesson.train_on_batch(batch.plan, batch.targets, return_dict=True)
        if step % _TOLD_EVERY == 0:
            print(f"step {step} of {steps} ", *(f"{name} {told[name]:.3f}" for name in sorted(lesson.told)), flush=True)
            lesson.reset_metrics()
        if step + 1 == steps:
            lesson.optimizer.finalize_variable_values(lesson.network.trainable_variables)
        if (step + 1) % _SAVED_EVERY == 0 or step + 1 == steps:
            state.save(step + 1)
