"""Measure the shipped detector on the photos kept for it, through the engine itself.

``python -m training.detector.evaluate --data DIR`` prints the average precision of each class, and their mean with a
95 % interval, guided and not. Guided, as SK Planet has it, means that the category is known: the detector is asked
for each class that is labelled in a photo, and only that class's evidence counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.detector.engine import LiteRtDetector
from shoplens.cores import Cores
from shoplens.domain import Picture, Region
from training.detector.photos import CLASSES, Labelled, street_photos
from training.detector.precision import Outcome, average_precision, judge

Outcomes = Sequence[Mapping[str, Outcome]]
"""For each photo, the outcome of each class that was looked for."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """by_class: average precision at IoU 0.5; mean: over the classes; low, high: its 95 % interval over photos."""

    by_class: Mapping[str, float]
    mean: float
    low: float
    high: float


def picture_of(photo: Labelled) -> Picture:
    """A labelled photo as the engine takes it."""
    height, width = photo.pixels.shape[:2]
    return Picture(photo.pixels, content_hash=photo.name, width=width, height=height)


def unguided(detector: LiteRtDetector, photos: Sequence[Labelled]) -> Outcomes:
    """Everything the detector finds, judged class by class."""
    outcomes = []
    for photo in photos:
        regions = detector.detect(picture_of(photo))
        outcomes.append({name: _judged(regions, name, photo) for name in CLASSES})
    return outcomes


def guided(detector: LiteRtDetector, photos: Sequence[Labelled]) -> Outcomes:
    """What the detector finds of each class that the photo is known to show."""
    return [
        {
            CLASSES[index]: _judged(detector.detect(picture_of(photo), category=CLASSES[index]), CLASSES[index], photo)
            for index in sorted(set(photo.classes.tolist()))
        }
        for photo in photos
    ]


def measure(outcomes: Outcomes, rounds: int = 500, seed: int = 0) -> Measurement:
    """Average precisions, and a bootstrap over photos: their mean on ``rounds`` resamples."""
    by_class = _precisions(outcomes, range(len(outcomes)))
    random = np.random.default_rng(seed)
    means = [np.nanmean(list(_precisions(outcomes, random.integers(len(outcomes), size=len(outcomes))).values())) for _ in range(rounds)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Measurement(by_class, float(np.nanmean(list(by_class.values()))), float(low), float(high))


def milliseconds(detector: LiteRtDetector, photos: Sequence[Labelled]) -> NDArray[np.float64]:
    """How long each photo takes, from decoded pixels to regions, after a warm-up."""
    pictures = [picture_of(photo) for photo in photos]
    for picture in pictures[:3]:
        detector.detect(picture)
    taken = []
    for picture in pictures:
        since = time.perf_counter()
        detector.detect(picture)
        taken.append((time.perf_counter() - since) * 1e3)
    return np.array(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder, which holds street_boxes/")
    parser.add_argument("--model", type=Path, default=Path("models/detector/2"), help="the model's folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object instead of a table")
    arguments = parser.parse_args()

    detector = LiteRtDetector(arguments.model, Cores(arguments.threads))
    photos = street_photos(arguments.data, "val")
    free, led = measure(unguided(detector, photos)), measure(guided(detector, photos))
    taken = milliseconds(detector, photos)
    if arguments.json:
        print(json.dumps(_flat(free, led, taken), indent=2))
    else:
        print(_table(photos, free, led, taken))


def _judged(regions: Sequence[Region], name: str, photo: Labelled) -> Outcome:
    """The regions of one class against the labels, both relative to the picture."""
    height, width = photo.pixels.shape[:2]
    mine = [region for region in regions if region.category == name]
    boxes = np.array([region.box.as_tuple() for region in mine], np.float32).reshape(-1, 4)
    scores = np.array([region.score for region in mine], np.float32)
    labelled = photo.boxes[photo.classes == CLASSES.index(name)] / np.array([width, height] * 2, np.float32)
    return judge(boxes, scores, labelled)


def _precisions(outcomes: Outcomes, rows: Sequence[int] | NDArray[np.int64] | range) -> dict[str, float]:
    return {name: average_precision([outcomes[row][name] for row in rows if name in outcomes[row]]) for name in CLASSES}


def _flat(free: Measurement, led: Measurement, taken: NDArray[np.float64]) -> dict[str, float]:
    numbers = {"map50": free.mean, "map50_low": free.low, "map50_high": free.high}
    numbers |= {"map50_guided": led.mean, "map50_guided_low": led.low, "map50_guided_high": led.high}
    numbers |= {f"ap50_{name}": value for name, value in free.by_class.items()}
    return {**numbers, "p50_ms": float(np.median(taken)), "p99_ms": float(np.percentile(taken, 99))}


def _table(photos: Sequence[Labelled], free: Measurement, led: Measurement, taken: NDArray[np.float64]) -> str:
    lines = [f"{'class':<12}{'boxes':>6}{'AP@.5':>9}{'guided':>9}"]
    for index, name in enumerate(CLASSES):
        labelled = sum(int((photo.classes == index).sum()) for photo in photos)
        lines.append(f"{name:<12}{labelled:>6}{free.by_class[name]:>9.3f}{led.by_class[name]:>9.3f}")
    lines.append(f"{'mean':<12}{sum(len(photo.boxes) for photo in photos):>6}{free.mean:>9.3f}{led.mean:>9.3f}")
    lines.append(f"95 % interval over {len(photos)} photos: {free.low:.3f}-{free.high:.3f}, guided {led.low:.3f}-{led.high:.3f}")
    lines.append(f"a photo takes {np.median(taken):.1f} ms (median), {np.percentile(taken, 99):.1f} ms (99th percentile)")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
