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


def unguided(detector: LiteRtDetector, photos: Sequence[Labelled], iou: float = 0.5) -> Outcomes:
    """Everything the detector finds, judged class by class; right is what overlaps a label by ``iou``."""
    (outcomes,) = judged(photos, found(detector, photos), [iou])
    return outcomes


def guided(detector: LiteRtDetector, photos: Sequence[Labelled], iou: float = 0.5) -> Outcomes:
    """What the detector finds of each class that the photo is known to show."""
    (outcomes,) = judged(photos, found_guided(detector, photos), [iou])
    return outcomes


Found = Sequence[Mapping[str, Sequence[Region]]]
"""For each photo, the regions of each class that was looked for."""


def found(detector: LiteRtDetector, photos: Sequence[Labelled]) -> Found:
    """All regions of all classes."""
    everything = [detector.detect(picture_of(photo)) for photo in photos]
    return [{name: [region for region in regions if region.category == name] for name in CLASSES} for regions in everything]


def found_guided(detector: LiteRtDetector, photos: Sequence[Labelled]) -> Found:
    """The regions of each class that the photo is known to show, the detector asked for that class."""
    return [
        {CLASSES[index]: detector.detect(picture_of(photo), category=CLASSES[index]) for index in sorted(set(photo.classes.tolist()))}
        for photo in photos
    ]


def judged(photos: Sequence[Labelled], regions: Found, ious: Sequence[float]) -> list[Outcomes]:
    """The same regions by each measure of what is right."""
    pairs = list(zip(photos, regions, strict=True))
    return [[{name: _judged(mine, name, photo, iou) for name, mine in by_class.items()} for photo, by_class in pairs] for iou in ious]


def mean_over_ious(photos: Sequence[Labelled], regions: Found) -> float:
    """COCO's measure (Lin et al. 2014): the mean average precision, and its mean over overlaps of 0.5, 0.55 … 0.95."""
    each = judged(photos, regions, [round(0.5 + 0.05 * step, 2) for step in range(10)])
    return float(np.mean([np.nanmean(list(_precisions(outcomes, range(len(photos))).values())) for outcomes in each]))


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
    parser.add_argument("--model", type=Path, default=Path("models/detector/4"), help="the model's folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one flat JSON object instead of a table")
    arguments = parser.parse_args()

    detector = LiteRtDetector(arguments.model, Cores(arguments.threads))
    photos = street_photos(arguments.data, "val")
    everything, asked_for = found(detector, photos), found_guided(detector, photos)
    free, led = (measure(judged(photos, regions, [0.5])[0]) for regions in (everything, asked_for))
    taken = milliseconds(detector, photos)
    if arguments.json:
        print(json.dumps(_flat(free, led, taken), indent=2))
        return
    print(_table(photos, free, led, taken))
    strict = ", guided ".join(f"{mean_over_ious(photos, regions):.3f}" for regions in (everything, asked_for))
    print(f"mean over overlaps of 0.5 to 0.95: {strict}")


def _judged(mine: Sequence[Region], name: str, photo: Labelled, iou: float) -> Outcome:
    """The regions of one class against the labels, both relative to the picture."""
    height, width = photo.pixels.shape[:2]
    boxes = np.array([region.box.as_tuple() for region in mine], np.float32).reshape(-1, 4)
    scores = np.array([region.score for region in mine], np.float32)
    labelled = photo.boxes[photo.classes == CLASSES.index(name)] / np.array([width, height] * 2, np.float32)
    return judge(boxes, scores, labelled, iou)


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
