"""How well fashion regions are found: average precision on street photos, without and with the category known."""

from __future__ import annotations

from pathlib import Path

from services.detector.engine import LiteRtDetector
from shoplens.model_store import model_folder
from training.detector.evaluate import guided, measure, unguided
from training.detector.photos import street_photos


def measured(data: Path) -> dict[str, float]:
    """The table of ``make eval`` for detection: name → number, on the ``val`` photos of ``data/street_boxes``."""
    detector = LiteRtDetector(model_folder("detector"))
    photos = street_photos(data, "val")
    report: dict[str, float] = {"street_photos": len(photos)}
    for name, found in (("street_map50", measure(unguided(detector, photos))), ("street_map50_guided", measure(guided(detector, photos)))):
        report |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
    return report
