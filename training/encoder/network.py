"""The encoder's network, after Pailitao (Zhang et al. 2018): one backbone, branches that learn together.

A soft **mask** of the object, at stride 16, says where the product is; everything pooled is pooled under it, so that
the background does not count, and nobody has to draw a box. The **embedding** joins generalised-mean pooled features
(Radenović et al. 2018) of three depths, for texture and colour live early and kind late. The **category** posterior
reads the same pooled features. While the network learns, its heads are plain ones; those that ship are fitted
afterwards, on the finished trunk.
"""

from __future__ import annotations

import keras
from keras import ops

from training.encoder.backbone import backbone

EMBEDDING_WIDTH = 192
TEACHER_WIDTH = 256
_FROZEN_BLOCKS = 3
_FLOOR = 0.05
"""What a pixel outside the mask still weighs, so that an empty mask does no harm."""


@keras.saving.register_keras_serializable("shoplens")
class MaskedPool(keras.layers.Layer):
    """The generalised mean of a map under a mask: ``[n, h, w, c]`` and ``[n, H, W, 1]`` to ``[n, c]``.

    ``power`` 1 is the average (any sign), 3 leans to the strongest answers (inputs are clipped at zero). The mask is
    averaged down, or repeated up, to the map's size.
    """

    def __init__(self, power: float, resize: int, **more: object) -> None:
        super().__init__(**more)
        self.power, self.resize = power, resize

    def call(self, inputs: object, mask_map: object) -> object:
        weight = mask_map * (1 - _FLOOR) + _FLOOR
        if self.resize < 0:
            weight = ops.average_pool(weight, -self.resize, padding="same")
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


def _trunk(side: int) -> tuple[object, object, list[object]]:
    """The image, the mask's logits, and the three pooled features: late ``[n, 1280]``, middle ``[n, 112]``, early ``[n, 40]``."""
    body = backbone(side, side)
    for layer in body.layers:
        name = layer.name.split("_")[0]
        layer.trainable = not (name == "stem" or (name.startswith("block") and int(name[5:]) < _FROZEN_BLOCKS))
    image = keras.Input((side, side, 3), name="image")
    maps = body(image)
    mask_hidden = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name="mask_hidden")(maps["stage5"])
    mask = keras.layers.Conv2D(1, 1, name="mask")(mask_hidden)
    where = keras.layers.Activation("sigmoid", name="where")(mask)
    late = MaskedPool(3.0, -2, name="late")(maps["head"], where)
    middle = MaskedPool(1.0, 1, name="middle")(maps["stage5"], where)
    early = MaskedPool(1.0, 2, name="early")(maps["stage3"], where)
    return image, mask, [late, middle, early]


def network(side: int, categories: int) -> keras.Model:
    """The network while it learns: floats ``[n, side, side, 3]`` in −1..1 to a dict; ``side`` a multiple of 32.

    embedding ``[n, 192]`` unit length; categories ``[n, categories]`` logits; mask ``[n, side/16, side/16, 1]`` logits;
    teacher ``[n, 256]``, unit length, what a bare ImageNet network would say of the clean photo.
    """
    image, mask, pooled = _trunk(side)
    names = ("late_level", "middle_level", "early_level")
    levels = [keras.layers.LayerNormalization(name=name)(part) for name, part in zip(names, pooled, strict=True)]
    joined = keras.layers.Concatenate(name="joined")(levels)
    embedding = UnitLength(name="embedding")(keras.layers.Dense(EMBEDDING_WIDTH, name="projection")(joined))
    kinds = keras.layers.Dense(categories, name="categories")(joined)
    teacher = UnitLength(name="teacher")(keras.layers.Dense(TEACHER_WIDTH, name="teacher_projection")(joined))
    outputs = {"embedding": embedding, "categories": kinds, "mask": mask, "teacher": teacher}
    return keras.Model(image, outputs, name="shoplens_encoder")


def served_network(side: int, categories: int) -> keras.Model:
    """The network that ships, with the heads of :mod:`training.encoder.heads`: embedding, categories (logits), mask (logits).

    ``features`` ``[n, 1432]`` is what those heads are fitted on: the three pooled features, each rooted.
    """
    image, mask, pooled = _trunk(side)
    names = ("late_rooted", "middle_rooted", "early_rooted")
    joined = keras.layers.Concatenate(name="features")([Rooted(name=name)(part) for name, part in zip(names, pooled, strict=True)])
    embedding = UnitLength(name="unit")(keras.layers.Dense(EMBEDDING_WIDTH, name="embedding")(joined))
    kinds = keras.layers.Dense(categories, name="categories")(joined)
    outputs = {"embedding": embedding, "categories": kinds, "mask": mask, "features": joined}
    return keras.Model(image, outputs, name="shoplens_encoder_served")


def served_from(trained: keras.Model, side: int, categories: int) -> keras.Model:
    """The served network with the trained backbone and mask; its two heads are still to be fitted."""
    served = served_network(side, categories)
    for name in ("efficientnet_lite0", "mask_hidden", "mask"):
        served.get_layer(name).set_weights(trained.get_layer(name).get_weights())
    return served
