"""The copy descriptor's network: a frozen ImageNet backbone, pooled at five depths, and one linear layer.

What tells a copy from a look-alike is as much texture and layout, which live early, as the kind of thing, which lives late. The
backbone stays as ImageNet made it: taught as SSCD teaches (Pizzi et al. 2022) for an hour on two cores it lost more than it won,
see the model's card.
"""

from __future__ import annotations

import keras
from keras import ops

from training.backbone import backbone

WIDTH = 256
_POOLED = (("head", 3.0), ("stage6", 1.0), ("stage5", 1.0), ("stage4", 1.0), ("stage3", 1.0), ("stage5", 3.0), ("stage3", 3.0))
"""Maps, each with the power of its mean."""


@keras.saving.register_keras_serializable("shoplens.copies")
class GeneralisedMean(keras.layers.Layer):
    """``[n, h, w, c]`` to ``[n, c]`` (Radenović et al. 2018), rooted with its sign kept, unit length.

    ``power`` 1 is the average, of any sign; more leans to the strongest answers, and clips at zero.
    """

    def __init__(self, power: float, **more: object) -> None:
        super().__init__(**more)
        self.power = power

    def call(self, inputs: object) -> object:
        values = inputs if self.power == 1 else ops.power(ops.maximum(inputs, 1e-4), self.power)
        mean = ops.mean(values, axis=(1, 2))
        pooled = mean if self.power == 1 else ops.power(mean, 1 / self.power)
        rooted = ops.sign(pooled) * ops.sqrt(ops.abs(pooled) + 1e-12)
        return rooted / ops.sqrt(ops.sum(rooted * rooted, axis=-1, keepdims=True) + 1e-8)


@keras.saving.register_keras_serializable("shoplens.copies")
class UnitLength(keras.layers.Layer):
    """Rows at unit length."""

    def call(self, inputs: object) -> object:
        return inputs / ops.sqrt(ops.sum(inputs * inputs, axis=-1, keepdims=True) + 1e-8)


def network(side: int) -> keras.Model:
    """Floats ``[n, side, side, 3]`` in −1..1 to ``features [n, 1856]`` and ``descriptor [n, 256]`` of unit length.

    ``side`` is a multiple of 32. The layer ``head_kernel`` is still to be set.
    """
    image = keras.Input((side, side, 3), name="image")
    maps = backbone(side, side)(image)
    pooled = [GeneralisedMean(power, name=f"{name}_{power:.0f}")(maps[name]) for name, power in _POOLED]
    features = keras.layers.Concatenate(name="features")(pooled)
    descriptor = UnitLength(name="descriptor")(keras.layers.Dense(WIDTH, name="head_kernel")(features))
    return keras.Model(image, {"features": features, "descriptor": descriptor}, name="copy_descriptor")
