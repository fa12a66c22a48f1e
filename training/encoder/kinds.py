"""Teaches the category its own branch, the trunk below it finished and still: see ``network.kinds_branch``.

Three steps, the same lesson each time:

1. Two whole networks, EfficientNet-Lite2 and -Lite0 from ImageNet, learn the categories and nothing else: the **teachers**.
2. The **branch** starts from the smaller one's upper half and learns, on top of the trunk, to say what both teachers say of the very
   picture before it (consistent and patient teaching, Beyer et al. 2022; Hinton et al. 2015).
3. Its normalisations are folded into its convolutions.

The pictures are views (:mod:`training.encoder.views`), half gentle, half hard, and most of them mixed two and two: laid over one
another (mixup, Zhang et al. 2018), or one's patch put into the other (CutMix, Yun et al. 2019). With 4,000 phone photos that is what
keeps a network from learning them by heart. As in ``views``, the dice are thrown in numpy and the pixels made where the network learns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, pi

import keras
import numpy as np
from keras import ops
from numpy.random import Generator
from numpy.typing import NDArray
from rich.progress import track

from training.backbone import NormedConv, Variant, backbone, blocks, load_imagenet
from training.encoder.batches import bank
from training.encoder.network import KINDS, SHARED_BLOCKS, kinds_branch
from training.encoder.photos import LEAVES, Photo
from training.encoder.views import Bank, Plan, Views, draw, joined
from training.weights import StateDict

_SMOOTHING = 0.1
_LEFT_ALONE = 0.4
"""Of the batches."""
_TAUGHT = 0.7
"""What the teachers' word counts beside the label's."""
_PHONES = 0.85
"""The share of phone photos in a batch: they are what shoppers send, and hard; the shop's photos know more kinds."""
SHARPNESS = 1.6
"""Smoothed and mixed labels make a network less sure than it may be. By so much its logits are stretched at the end: on held-back
phone photos the negative log-likelihood falls from 0.51 to 0.35, on shop photos from 0.46 to 0.32, and 1.4 to 1.9 do about as well."""
_WARM_UP_STEPS = 100
_TOLD_EVERY = 100


@dataclass(frozen=True, slots=True)
class Course:
    """teachers, branch: so many views are seen by each of the teachers, and by the branch. side: in pixels."""

    teachers: int = 220_000
    branch: int = 830_000
    side: int = 224
    views: int = 256
    """A step."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    seed: int = 7

    def scaled(self, effort: float) -> Course:
        """The same with a share of the views, 0..1; smaller steps where there would be few."""
        views = self.views if effort == 1 else min(self.views, 64)
        return replace(self, teachers=int(self.teachers * effort), branch=int(self.branch * effort), views=views)


class KindsLesson(keras.Model):
    """From a plan of views, and how they are mixed, to the loss: cross-entropy against labels and, where there are any, teachers.

    Inputs: ``plan``, and ``with [n]`` (int32, which view each is mixed with), ``share [n]`` (of the first of the two), ``box [n, 4]``
    (relative, what comes from the second; an empty one: the two are laid over one another). Targets: ``[n]``, the categories.
    """

    def __init__(self, network: keras.Model, teachers: Sequence[keras.Model], pictures: Bank) -> None:
        super().__init__(name="kinds_lesson", dtype="float32")
        self.network, self.teachers = network, list(teachers)
        for teacher in self.teachers:
            teacher.trainable = False
        self.views = Views(pictures, int(network.input_shape[1]))

    def call(self, inputs: Mapping[str, object], training: bool | None = None) -> dict[str, object]:
        mixed = self._mixed(inputs)
        said = self.network(mixed, training=training)
        taught = [ops.softmax(ops.cast(teacher(mixed, training=False), "float32")) for teacher in self.teachers]
        return {"logits": said, "taught": sum(taught) / len(taught)} if taught else {"logits": said}

    # ruff: noqa: ARG002  Keras names and passes them all.
    def compute_loss(
        self, x: object = None, y: object = None, y_pred: object = None, sample_weight: object = None, training: bool = True
    ) -> object:
        logits = ops.cast(y_pred["logits"], "float32")
        kinds = logits.shape[-1]
        label = ops.one_hot(y, kinds) * (1 - _SMOOTHING) + _SMOOTHING / kinds
        share = x["share"][:, None]
        wanted = label * share + ops.take(label, x["with"], axis=0) * (1 - share)
        if "taught" in y_pred:
            wanted = (1 - _TAUGHT) * wanted + _TAUGHT * y_pred["taught"]
        return -ops.mean(ops.sum(wanted * ops.log_softmax(logits), axis=1))

    def _mixed(self, inputs: Mapping[str, object]) -> object:
        """The views, in −1..1, two and two."""
        images, _ = self.views(inputs["plan"])
        others = ops.take(images, inputs["with"], axis=0)
        side = images.shape[1]
        along = (ops.arange(side, dtype="float32") + 0.5) / side
        box = inputs["box"][:, :, None]
        across = (along[None] >= box[:, 0]) & (along[None] < box[:, 2])
        down = (along[None] >= box[:, 1]) & (along[None] < box[:, 3])
        patch = ops.cast(down[:, :, None] & across[:, None, :], "float32")[..., None]
        whole = ops.cast(box[:, 2] > box[:, 0], "float32")[:, :, None, None]
        overlaid = (1 - whole) * (1 - inputs["share"][:, None, None, None])
        other = ops.maximum(patch, overlaid)
        return images * (1 - other) + others * other


def mixing(count: int, rng: Generator) -> Plan:
    """How the views of a batch are mixed: ``with``, ``share`` and ``box`` of :class:`KindsLesson`."""
    alone = rng.random() < _LEFT_ALONE
    overlay = rng.random() < 0.5
    share = 1.0 if alone else float(rng.beta(0.4, 0.4) if overlay else rng.beta(1, 1))
    box = np.zeros(4, np.float32)
    if not alone and not overlay:
        side = np.sqrt(1 - share)
        corner = rng.uniform(0, 1 - side, 2)
        box = np.concatenate([corner, corner + side]).astype(np.float32)
    return {
        "with": rng.permutation(count).astype(np.int32),
        "share": np.full(count, share, np.float32),
        "box": np.tile(box, (count, 1)),
    }


class _Batches:
    """Plans of views of labelled photos, phone photos of rare kinds oftener than their number says."""

    def __init__(self, photos: Sequence[Photo], pictures: Bank, course: Course) -> None:
        self._pictures, self._course = pictures, course
        self._kinds = np.array([photo.category for photo in photos], np.int32)
        phone = np.array([photo.origin == "clothing_cc0" for photo in photos])
        self._phones, self._others = np.flatnonzero(phone), np.flatnonzero(~phone)
        weight = 1 / np.sqrt(np.bincount(self._kinds[self._phones])[self._kinds[self._phones]])
        self._weight = weight / weight.sum()

    def batch(self, step: int) -> tuple[dict[str, Plan | NDArray[np.float32] | NDArray[np.int32]], NDArray[np.int32]]:
        rng = np.random.default_rng((self._course.seed, step))
        count = self._course.views
        phones = round(count * _PHONES) if len(self._others) else count
        rows = [rng.choice(self._phones, phones, p=self._weight)]
        if phones < count:
            rows.append(rng.choice(self._others, count - phones))
        chosen = rng.permutation(np.concatenate(rows)).astype(np.int32)
        halves = chosen[: count // 2], chosen[count // 2 :]
        plan = joined([draw(self._pictures, half, rng, gentle=gentle) for half, gentle in zip(halves, (True, False), strict=True)])
        return {"plan": plan, **mixing(count, rng)}, self._kinds[chosen]


def whole_network(side: int, variant: Variant, weights: StateDict) -> keras.Model:
    """A network that knows categories alone, from ImageNet: images to logits."""
    body = backbone(side, side, variant, conv=NormedConv)
    load_imagenet(body, weights)
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(body.output["head"])
    logits = keras.layers.Dense(len(LEAVES), name="logits", dtype="float32")(keras.layers.Dropout(0.3, dtype="float32")(pooled))
    return keras.Model(body.input, logits, name=f"{variant.name}_kinds")


def branched_network(trunk: keras.Model, start: keras.Model, variant: Variant) -> keras.Model:
    """The trunk up to the branch, still, and the branch, which learns from where the upper half of ``start`` is."""
    below = keras.Model(trunk.input, trunk.output["stage4"], name="below")
    below.trainable = False
    image = keras.Input(trunk.input_shape[1:], name="image")
    network = keras.Model(image, kinds_branch(below(image), len(LEAVES), variant, conv=NormedConv), name="kinds_branch")
    for name in _branch_convs(variant):
        network.get_layer(KINDS + name).set_weights(start.get_layer(name).get_weights())
    network.get_layer(f"{KINDS}logits").set_weights(start.get_layer("logits").get_weights())
    return network


def _branch_convs(variant: Variant) -> list[str]:
    """The names of the branch's convolutions, as a whole network has them."""
    upper = blocks(variant)[SHARED_BLOCKS:]
    return [*(f"block{block.number}_{part}" for block in upper for part in ("expand", "depthwise", "project")), "head"]


def folded_into(served: keras.Model, network: keras.Model, variant: Variant) -> None:
    """Give a served network the branch that was taught."""
    for name in _branch_convs(variant):
        served.get_layer(KINDS + name).set_weights(network.get_layer(KINDS + name).folded())
    served.get_layer(f"{KINDS}logits").set_weights([SHARPNESS * part for part in network.get_layer(f"{KINDS}logits").get_weights()])


def teach_kinds(
    served: keras.Model, photos: Sequence[Photo], masks: NDArray[np.uint8], small: tuple[Variant, StateDict],
    large: tuple[Variant, StateDict], course: Course,
) -> None:  # fmt: skip
    """Teach the branch of a served network, whose trunk is of the variant of ``small``; both with their ImageNet weights."""
    rows = [row for row, photo in enumerate(photos) if not photo.held_back and photo.category >= 0 and photo.origin != "street_boxes"]
    labelled = [photos[row] for row in rows]
    pictures = bank(labelled, masks[rows])
    batches = _Batches(labelled, pictures, course)
    teachers = []
    for variant, weights in (large, small):
        teacher = whole_network(course.side, variant, weights)
        _learn(KindsLesson(teacher, [], pictures), batches, course.teachers, course, f"a teacher, {variant.name}")
        teachers.append(teacher)
    network = branched_network(served.get_layer(small[0].name), teachers[-1], small[0])
    _learn(KindsLesson(network, teachers, pictures), batches, course.branch, course, "the category's branch")
    folded_into(served, network, small[0])


def _learn(lesson: KindsLesson, batches: _Batches, views: int, course: Course, what: str) -> None:
    steps = max(1, views // course.views)
    optimizer = keras.optimizers.AdamW(
        course.learning_rate, weight_decay=course.weight_decay, clipnorm=5.0, use_ema=True, ema_momentum=0.998 if steps > 1_000 else 0.98
    )
    lesson.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    for step in track(range(steps), what, total=steps):
        rise = min(1.0, (step + 1) / _WARM_UP_STEPS)
        optimizer.learning_rate = course.learning_rate * rise * 0.5 * (1 + cos(pi * step / steps))
        inputs, kinds = batches.batch(step)
        told = lesson.train_on_batch(inputs, kinds, return_dict=True)
        if step % _TOLD_EVERY == 0:
            print(f"step {step} of {steps}, loss {told['loss']:.3f}", flush=True)
    optimizer.finalize_variable_values(lesson.network.trainable_variables)
