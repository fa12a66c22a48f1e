"""What the detector makes of a shop's studio photos, which have a category each but no boxes.

``python -m training.detector.shop --data DIR`` looks at the main views of ``catalogue_luma``, none of which was trained
on: how often it finds anything, how much, and whether its best region is of the category that the shop names.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.detector.engine import LiteRtDetector
from shoplens.domain import Picture
from training.detector.photos import read

_GROUP = {
    "hoodie": "top", "tee": "top", "tank": "top", "bra": "top", "jacket": "outerwear",
    "pants": "pants", "shorts": "shorts", "bag": "bag", "watch": "watch",
}  # fmt: skip
"""The detector's class for the shop's category; of ``fitness`` (balls, straps) it should find nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo: how many regions reach the display threshold, whether the best, and whether any, is of its category."""

    regions: int
    best: bool
    any: bool


def look(detector: LiteRtDetector, path: Path, group: str, region_score: float) -> Seen:
    """Run the detector on one photo."""
    pixels = read(path)
    picture = Picture(pixels, content_hash=path.name, width=pixels.shape[1], height=pixels.shape[0])
    shown = [region.category for region in detector.detect(picture) if region.score >= region_score]
    return Seen(len(shown), shown[:1] == [group], group in shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder, which holds catalogue_luma/")
    parser.add_argument("--model", type=Path, default=Path("models/detector/4"))
    arguments = parser.parse_args()

    detector = LiteRtDetector(arguments.model)
    folder, region_score = arguments.data / "catalogue_luma", float(detector.manifest.parameters["region_score"])
    seen: dict[str, list[Seen]] = defaultdict(list)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["view"] == "main":
                group = _GROUP.get(row["category"], "")
                seen[row["category"]].append(look(detector, folder / row["path"], group, region_score))
    print(f"{'category':<10}{'photos':>7}{'found':>8}{'regions':>9}{'best right':>12}{'any right':>11}")
    everything = [one for category, photos in seen.items() if category in _GROUP for one in photos]
    for category, photos in [*sorted(seen.items()), ("all", everything)]:
        found, best = np.mean([one.regions > 0 for one in photos]), np.mean([one.best for one in photos])
        regions, anywhere = np.mean([one.regions for one in photos]), np.mean([one.any for one in photos])
        print(f"{category:<10}{len(photos):>7}{found:>8.2f}{regions:>9.2f}{best:>12.2f}{anywhere:>11.2f}")


if __name__ == "__main__":
    main()
