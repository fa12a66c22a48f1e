"""The encoder's network, after Pailitao (Zhang et al. 2018): one backbone, branches that learn together.

A soft **mask** of the object, at stride 16, says where the product is; everything pooled is pooled under it, so that the
background does not count, and nobody has to draw a box. The **embedding** joins generalised-mean pooled features (Radenović
et al. 2018) of three depths, for texture and colour live early and kind late. The **category** and the
**attributes** read the same pooled features while the trunk learns. The embedding that ships is fitted afterwards, on the finished
trunk, and the category that ships has the upper half of a network to itself: see :mod:`training.encoder.kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras

from training.backbone import HEAD_CHANNELS, LITE0, Conv, FrozenNormConv, Variant, backbone, blocks, through
from training.encoder.layers import MaskedPool, Rooted, UnitLength

EMBEDDING_WIDTH = 192
TEACHER_WIDTH = 256
SHARED_BLOCKS = 8
"""Blocks that the category's branch has in common with the trunk: the first four stages."""
KINDS = "kinds_"
"""What the names of the branch's layers begin with."""
_FROZEN_BLOCKS = 3


def _trunk(side: int, variant: Variant) -> tuple[object, object, list[object], object]:
    """The image, the mask's logits, the three pooled features, late, middle and early, of Lite0 1,280, 112 and 40 wide, and the map
    from which the category's branch leaves."""
    body = backbone(side, side, variant)
    for layer in body.layers:
        name = layer.name.split("_")[0]
        layer.trainable = not (name == "stem" or (name.startswith("block") and int(name[5:]) < _FROZEN_BLOCKS))
    image = keras.Input((side, side, 3), name="image")
    maps = body(image)
    mask_hidden = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name="mask_hidden")(maps["stage5"])
    mask = keras.layers.Conv2D(1, 1, name="mask", dtype="float32")(mask_hidden)
    where = keras.layers.Activation("sigmoid", name="where", dtype="float32")(mask)
    late = MaskedPool(3.0, -2, name="late")(maps["head"], where)
    middle = MaskedPool(1.0, 1, name="middle")(maps["stage5"], where)
    early = MaskedPool(1.0, 2, name="early")(maps["stage3"], where)
    return image, mask, [late, middle, early], maps["stage4"]


def _levels(pooled: list[object]) -> object:
    """The pooled features, each normalised, side by side: what all trained heads read."""
    names = ("late_level", "middle_level", "early_level")
    levels = [keras.layers.LayerNormalization(name=name, dtype="float32")(part) for name, part in zip(names, pooled, strict=True)]
    return keras.layers.Concatenate(name="joined", dtype="float32")(levels)


def _said(width: int, name: str, source: object) -> object:
    return keras.layers.Dense(width, name=name, dtype="float32")(source)


def network(side: int, categories: int, attributes: Mapping[str, int], variant: Variant = LITE0) -> keras.Model:
    """The network while it learns: floats ``[n, side, side, 3]`` in −1..1 to a dict; ``side`` a multiple of 32.

    embedding ``[n, 192]`` unit length; categories ``[n, categories]`` logits; a name of ``attributes`` each ``[n, its values]``
    logits; mask ``[n, side/16, side/16, 1]`` logits; teacher ``[n, 256]``, unit length, what a bare ImageNet network would say
    of the clean photo.
    """
    image, mask, pooled, _ = _trunk(side, variant)
    joined = _levels(pooled)
    dropped = keras.layers.Dropout(0.2, name="dropped", dtype="float32")(joined)
    outputs = {
        "embedding": UnitLength(name="embedding", dtype="float32")(_said(EMBEDDING_WIDTH, "projection", joined)),
        "categories": _said(categories, "categories", dropped),
        "mask": mask,
        "teacher": UnitLength(name="teacher", dtype="float32")(_said(TEACHER_WIDTH, "teacher_projection", joined)),
        **{name: _said(values, name, dropped) for name, values in attributes.items()},
    }
    return keras.Model(image, outputs, name="shoplens_encoder")


def kinds_branch(x: object, categories: int, variant: Variant = LITE0, *, conv: Conv = FrozenNormConv) -> object:
    """From the map after ``SHARED_BLOCKS`` blocks to the categories' logits: the upper half of a network, for that alone.

    What tells a polo from a T-shirt (a collar) is what an embedding that finds the same product under all light and folds is taught
    to overlook; with a branch of its own the category of a phone photo is right in 0.89 instead of 0.84 of cases.
    """
    for block in blocks(variant)[SHARED_BLOCKS:]:
        x = through(x, block, conv=conv, prefix=KINDS)
    x = conv(HEAD_CHANNELS, 1, name=f"{KINDS}head")(x)
    pooled = keras.layers.GlobalAveragePooling2D(name=f"{KINDS}pooled", dtype="float32")(x)
    return _said(categories, f"{KINDS}logits", keras.layers.Dropout(0.3, name=f"{KINDS}dropped", dtype="float32")(pooled))


def served_network(side: int, categories: int, variant: Variant = LITE0) -> keras.Model:
    """The network that ships: embedding, categories (logits), mask (logits).

    The layer ``features``, the three pooled features, each rooted, is what the embedding is fitted on
    (:mod:`training.encoder.heads`).
    """
    image, mask, pooled, shared = _trunk(side, variant)
    names = ("late_rooted", "middle_rooted", "early_rooted")
    rooted = [Rooted(name=name, dtype="float32")(part) for name, part in zip(names, pooled, strict=True)]
    features = keras.layers.Concatenate(name="features", dtype="float32")(rooted)
    outputs = {
        "embedding": UnitLength(name="unit", dtype="float32")(_said(EMBEDDING_WIDTH, "embedding", features)),
        "categories": kinds_branch(shared, categories, variant),
        "mask": mask,
    }
    return keras.Model(image, outputs, name="shoplens_encoder_served")


def served_from(trained: keras.Model, side: int, categories: int, variant: Variant = LITE0) -> keras.Model:
    """The served network with the trained trunk; its embedding is still to be fitted, and its category's branch to be taught."""
    served = served_network(side, categories, variant)
    for name in (variant.name, "mask_hidden", "mask"):
        served.get_layer(name).set_weights(trained.get_layer(name).get_weights())
    return served
