"""One training step: what the network is taught, in Keras's own operations, so that any of its backends can do it.

- **Instance discrimination** (InfoNCE, van den Oord et al. 2018): a hard view of a product must be nearer to its gentle view
  than to every other product of the batch, of which whole runs are of its own kind.
- **Category** and **attributes**: cross-entropy. They weigh little; alone they teach the wrong thing.
- **Mask**: binary cross-entropy against pseudo-masks, Pailitao's soft object mask.
- **ImageNet kept**: any view must say what the untouched network says of the clean photo, so that objects in new places are
  still known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
from keras import ops

from training.encoder.views import Bank, Views

_NEVER = -1e4
"""A logit that no pair reaches."""
_SMOOTHING = 0.05


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of the loss counts beside instance discrimination; ``temperature`` is that one's."""

    temperature: float = 0.06
    category: float = 0.5
    attribute: float = 0.1
    mask: float = 0.5
    teacher: float = 1.0


class Lesson(keras.Model):
    """From a plan of views to the network's loss; the photos lie beside the weights, on the machine that learns.

    Inputs are a :data:`training.encoder.views.Plan` of 2n views, n gentle ones and then n hard ones of the same products;
    targets, a dict: ``product [2n]``, ``look [2n]`` (int32: views of one look are nobody's negatives), ``category [2n]`` and
    each attribute ``[2n]`` (−1: unknown), ``teacher [2n, 256]``.
    """

    def __init__(self, network: keras.Model, bank: Bank, attributes: Mapping[str, int], weights: Weights) -> None:
        super().__init__(name="lesson", dtype="float32")  # places must not be rounded to half precision
        self.network, self.attributes, self.weighs = network, dict(attributes), weights
        self.views = Views(bank, int(network.input_shape[1]))
        parts = ("instance", "category", "attribute", "mask", "teacher", "found")
        self.told = {part: keras.metrics.Mean(name=part) for part in parts}

    def call(self, plan: Mapping[str, object], training: bool | None = None) -> dict[str, object]:
        images, where = self.views(plan)
        return {**self.network(images, training=training), "where": where}

    # ruff: noqa: ARG002  Keras names and passes them all.
    def compute_loss(
        self, x: object = None, y: object = None, y_pred: object = None, sample_weight: object = None, training: bool = True
    ) -> object:
        """The weighted sum of all parts; each part's mean is kept in ``told``."""
        y = {name: ops.convert_to_tensor(value) for name, value in y.items()}
        instance, found = self._instance(y_pred["embedding"], y)
        parts = {
            "instance": instance,
            "category": self._labels(y_pred["categories"], y["category"]),
            "attribute": sum(self._labels(y_pred[name], y[name]) for name in self.attributes),
            "mask": self._mask(y_pred["mask"], y_pred["where"]),
            "teacher": 1 - ops.mean(ops.sum(y_pred["teacher"] * y["teacher"], axis=1)),
            "found": found,
        }
        for name, value in parts.items():
            self.told[name].update_state(value)
        weighs = self.weighs
        beside = weighs.category * parts["category"] + weighs.attribute * parts["attribute"]
        return instance + beside + weighs.mask * parts["mask"] + weighs.teacher * parts["teacher"]

    def _instance(self, embedding: object, y: Mapping[str, object]) -> tuple[object, object]:
        """The loss, both ways, and the share of hard views whose gentle one is the nearest."""
        count = embedding.shape[0] // 2
        near = ops.matmul(embedding, ops.transpose(embedding))
        same = ops.cast(y["product"][:, None] == y["product"][None], "float32")
        alike = ops.cast(y["look"][:, None] == y["look"][None], "float32")
        mine = same - ops.eye(2 * count)
        logits = near / self.weighs.temperature + _NEVER * (alike - mine) * (1 - mine)
        losses = ops.logsumexp(logits, axis=1) - ops.sum(logits * mine, axis=1)
        across = logits[count:, :count]
        right = ops.cast(ops.argmax(across, axis=1) == ops.arange(count), "float32")
        return ops.mean(losses), ops.mean(right)

    @staticmethod
    def _labels(logits: object, labels: object) -> object:
        known, classes = ops.cast(labels >= 0, "float32"), logits.shape[1]
        targets = ops.one_hot(ops.maximum(labels, 0), classes) * (1 - _SMOOTHING) + _SMOOTHING / classes
        losses = -ops.sum(targets * ops.log_softmax(logits), axis=1)
        return ops.sum(losses * known) / (ops.sum(known) + 1e-6)

    @staticmethod
    def _mask(logits: object, where: object) -> object:
        seen = ops.cast(where >= 0, "float32")
        losses = ops.softplus(logits) - logits * ops.maximum(where, 0.0)
        return ops.sum(losses * seen) / (ops.sum(seen) + 1.0)
