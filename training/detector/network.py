"""The detector's network: an EfficientNet-Lite, a feature pyramid, and a one-stage head without anchors.

The pyramid is that of Lin et al. 2017 at strides 8, 16 and 32. The head follows FCOS (Tian et al. 2019): at each
location it says how likely each class is and how far the four sides of that class's box are. Two things differ. The
sides are predicted for each class on its own, because clothes overlap by nature: a belt, a dress and a coat can share
one centre, and one box a location could not serve all three. And the head's convolutions are shared between levels
while its normalisations are not (RTMDet, Lyu et al. 2022), for the three levels see differently scaled features.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from training.backbone import LITE0, Variant, backbone, load_imagenet
from training.weights import StateDict

STRIDES = (8, 16, 32)
CHANNELS = 96
TOWER_DEPTH = 2
_STILL = "stage2"
"""Up to here, edges and textures, the backbone stays as ImageNet made it."""
_PRIOR = 0.01
"""What a class's score starts at, so that the many empty locations do not drown the first steps (focal loss)."""


@dataclass(frozen=True, slots=True)
class Network:
    """The two halves of the detector; the first keeps its ImageNet weights.

    trunk: floats ``[n, height, width, 3]`` in -1..1 to the backbone's first two stages, at stride 4.
    crown: from there to ``logits [n, locations, classes]`` and ``boxes [n, locations, classes, 4]``, the sides
    x0, y0, x1, y1 in input pixels.
    """

    trunk: keras.Model
    crown: keras.Model


@keras.saving.register_keras_serializable("shoplens")
class SidesToBoxes(layers.Layer):
    """Distances from each location to the four sides, as logarithms in strides, to corners in input pixels."""

    def __init__(self, rows: int, columns: int, stride: int, **more: object) -> None:
        super().__init__(**more)
        self.rows, self.columns, self.stride = rows, columns, stride

    def call(self, sides: object) -> object:
        """``[n, rows * columns, classes, 4]`` to the same shape."""
        y, x = np.mgrid[: self.rows, : self.columns].reshape(2, -1, 1) * self.stride + self.stride / 2
        centre = ops.convert_to_tensor(np.stack([x, y, x, y], axis=-1), "float32")
        outwards = ops.convert_to_tensor(np.array([-1, -1, 1, 1]) * self.stride, "float32")
        return centre + outwards * ops.exp(ops.clip(sides, -4.0, 4.0))

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "rows": self.rows, "columns": self.columns, "stride": self.stride}


def network(height: int, width: int, classes: int, weights: StateDict | None = None, variant: Variant = LITE0) -> Network:
    """Build both halves for inputs of one size (multiples of 32), the backbone filled with ``weights``."""
    base = backbone(height, width, variant)
    if weights is not None:
        load_imagenet(base, weights)
    trunk = keras.Model(base.input, base.output[_STILL], name="trunk")
    trunk.trainable = False
    upper = keras.Model(base.output[_STILL], [base.output[stage] for stage in ("stage3", "stage5", "stage7")], name="upper")

    features = keras.Input(trunk.output.shape[1:], name="features")
    logits, boxes = _head(_pyramid(upper(features)), height, width, classes)
    return Network(trunk, keras.Model(features, {"logits": logits, "boxes": boxes}, name="crown"))


def serving(parts: Network, height: int, width: int) -> keras.Model:
    """One model for the engine: ``scores`` 0..1 and ``boxes`` relative to the input, which they may overstep."""
    # A fixed batch of one lets the converter resolve every shape, so that XNNPACK takes the whole graph.
    image = keras.Input(batch_shape=(1, height, width, 3), name="image")
    outputs = parts.crown(parts.trunk(image))
    size = np.array([width, height, width, height], dtype=np.float32)
    scores = layers.Activation("sigmoid", name="scores")(outputs["logits"])
    boxes = layers.Rescaling(1.0 / size, name="boxes")(outputs["boxes"])
    return keras.Model(image, {"scores": scores, "boxes": boxes}, name="detector")


def _separable(x: object, size: int, name: str) -> object:
    x = layers.DepthwiseConv2D(size, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = layers.Conv2D(CHANNELS, 1, use_bias=False, name=f"{name}_pointwise")(x)
    return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x))


def _pyramid(maps: list[object]) -> list[object]:
    """Top down: each level adds the coarser one, enlarged, and smooths the sum; then bottom up once more (PANet)."""
    levels = [layers.Conv2D(CHANNELS, 1, name=f"lateral{n}")(feature) for n, feature in enumerate(maps)]
    levels[2] = _separable(levels[2], 5, "top2")
    for n in (1, 0):
        levels[n] = _separable(levels[n] + layers.UpSampling2D(2)(levels[n + 1]), 5, f"top{n}")
    for n in (1, 2):
        smaller = layers.MaxPooling2D(2)(levels[n - 1])
        levels[n] = _separable(levels[n] + smaller, 5, f"bottom{n}")
    return levels


def _head(levels: list[object], height: int, width: int, classes: int) -> tuple[object, object]:
    towers = {
        task: [
            (
                layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{task}{n}_depthwise"),
                layers.Conv2D(CHANNELS, 1, use_bias=False, name=f"{task}{n}_pointwise"),
            )
            for n in range(TOWER_DEPTH)
        ]
        for task in ("class", "side")
    }
    to_logits = layers.Conv2D(
        classes, 1, name="logits", dtype="float32", bias_initializer=keras.initializers.Constant(-np.log(1 / _PRIOR - 1))
    )
    to_sides = layers.Conv2D(
        classes * 4, 1, name="sides", dtype="float32", kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(np.log(4.0)),
    )  # fmt: skip
    logits, boxes = [], []
    for level, (x, stride) in enumerate(zip(levels, STRIDES, strict=True)):
        rows, columns = height // stride, width // stride
        ends = {}
        for task, tower in towers.items():
            y = x
            for n, (depthwise, pointwise) in enumerate(tower):
                norm = layers.BatchNormalization(momentum=0.97, name=f"{task}{n}_norm{level}")
                y = layers.ReLU(6.0)(norm(pointwise(depthwise(y))))
            ends[task] = y
        logits.append(layers.Reshape((rows * columns, classes), dtype="float32")(to_logits(ends["class"])))
        sides = layers.Reshape((rows * columns, classes, 4), dtype="float32")(to_sides(ends["side"]))
        boxes.append(SidesToBoxes(rows, columns, stride, name=f"boxes{level}", dtype="float32")(sides))
    return layers.Concatenate(axis=1, dtype="float32")(logits), layers.Concatenate(axis=1, dtype="float32")(boxes)
