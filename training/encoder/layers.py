"""The layers that the encoder's network needs beside Keras's own."""

from __future__ import annotations

import keras
from keras import ops

_FLOOR = 0.05
"""What a pixel outside the mask still weighs, so that an empty mask does no harm."""


def averaged(x: object, factor: int) -> object:
    """Means of squares of ``factor`` pixels: ``[n, h, w, c]`` to ``[n, h/factor, w/factor, c]``."""
    _, height, width, channels = x.shape
    squares = ops.reshape(x, (-1, height // factor, factor, width // factor, factor, channels))
    return ops.mean(squares, axis=(2, 4))


@keras.saving.register_keras_serializable("shoplens")
class MaskedPool(keras.layers.Layer):
    """The generalised mean of a map under a mask: ``[n, h, w, c]`` and ``[n, H, W, 1]`` to ``[n, c]``.

    ``power`` 1 is the average (any sign), 3 leans to the strongest answers (inputs are clipped at zero). The mask is
    averaged down, or repeated up, to the map's size.
    """

    def __init__(self, power: float, resize: int, **more: object) -> None:
        super().__init__(**{"dtype": "float32", **more})
        self.power, self.resize = power, resize

    def call(self, inputs: object, mask_map: object) -> object:
        weight = mask_map * (1 - _FLOOR) + _FLOOR
        if self.resize < 0:
            weight = averaged(weight, -self.resize)
        elif self.resize > 1:
            weight = ops.repeat(ops.repeat(weight, self.resize, axis=1), self.resize, axis=2)
        values = inputs if self.power == 1 else ops.power(ops.maximum(inputs, 1e-4), self.power)
        mean = ops.sum(values * weight, axis=(1, 2)) / ops.sum(weight, axis=(1, 2))
        return mean if self.power == 1 else ops.power(mean, 1 / self.power)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "power": self.power, "resize": self.resize}


@keras.saving.register_keras_serializable("shoplens")
class UnitLength(keras.layers.Layer):
    """Rows divided by their Euclidean length."""

    def call(self, inputs: object) -> object:
        return inputs / ops.sqrt(ops.sum(inputs * inputs, axis=-1, keepdims=True) + 1e-8)


@keras.saving.register_keras_serializable("shoplens")
class Rooted(keras.layers.Layer):
    """Signed square root, then unit length (Perronnin et al. 2010): a few loud channels no longer drown the others."""

    def call(self, inputs: object) -> object:
        rooted = ops.sign(inputs) * ops.sqrt(ops.abs(inputs) + 1e-12)
        return rooted / ops.sqrt(ops.sum(rooted * rooted, axis=-1, keepdims=True) + 1e-8)
