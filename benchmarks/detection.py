"""How well fashion regions are found: average precision on street photos, without and with the category known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from services.detector.engine import LiteRtDetector
from shoplens.model_store import model_folder
from training.detector.evaluate import Outcomes, found, found_guided, judged, mean_over_ious, measure
from training.detector.photos import Labelled, street_photos
from training.detector.sheet import sheet

_DRAWN = 24


def measured(data: Path, figures: Path) -> dict[str, float]:
    """The table of ``make eval`` for detection: name → number, on the ``val`` photos of ``street_boxes``; those of which least is found
    are drawn into ``figures``."""
    detector = LiteRtDetector(model_folder("detector"))
    photos = street_photos(data, "val")
    report: dict[str, float] = {"street_photos": len(photos)}
    for name, regions in (("", found(detector, photos)), ("_guided", found_guided(detector, photos))):
        (outcomes,) = judged(photos, regions, [0.5])
        at_half = measure(outcomes)
        report |= {f"street_map50{name}": at_half.mean, f"street_map50{name}_low": at_half.low, f"street_map50{name}_high": at_half.high}
        report |= {f"street_ap50{name}_{each}": value for each, value in at_half.by_class.items()}
        report[f"street_map50_95{name}"] = mean_over_ious(photos, regions)
        if not name:
            _draw(detector, photos, outcomes, figures / "detection_failures.png")
    return report


def _draw(detector: LiteRtDetector, photos: Sequence[Labelled], outcomes: Outcomes, path: Path) -> None:
    """Labels thin and white, regions thick."""
    region_score = float(detector.manifest.parameters["region_score"])

    def missed(row: int) -> int:
        by_class = outcomes[row].values()
        return sum(each.labelled - int((each.right & (each.scores >= region_score)).sum()) for each in by_class)

    worst = sorted(range(len(photos)), key=missed, reverse=True)[:_DRAWN]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(sheet(detector, [photos[row] for row in worst], 8, region_score)[..., ::-1]))
