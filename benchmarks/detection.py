"""How well fashion regions are found: average precision on street photos, without and with the category known."""

from __future__ import annotations

from pathlib import Path

from services.detector.engine import LiteRtDetector
from shoplens.model_store import model_folder
from training.detector.evaluate import found, found_guided, judged, mean_over_ious, measure
from training.detector.photos import street_photos


def measured(data: Path) -> dict[str, float]:
    """The table of ``make eval`` for detection: name → number, on the ``val`` photos of ``data/street_boxes``."""
    detector = LiteRtDetector(model_folder("detector"))
    photos = street_photos(data, "val")
    report: dict[str, float] = {"street_photos": len(photos)}
    for name, regions in (("", found(detector, photos)), ("_guided", found_guided(detector, photos))):
        (outcomes,) = judged(photos, regions, [0.5])
        at_half = measure(outcomes)
        report |= {f"street_map50{name}": at_half.mean, f"street_map50{name}_low": at_half.low, f"street_map50{name}_high": at_half.high}
        report |= {f"street_ap50{name}_{each}": value for each, value in at_half.by_class.items()}
        report[f"street_map50_95{name}"] = mean_over_ious(photos, regions)
    return report
