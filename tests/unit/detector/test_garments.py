"""Photos of one garment: the class is the shop's, the box the detector's, and nobody's who is held back."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.detector.engine import LiteRtDetector
from shoplens.domain import Box, Picture, Region
from training.detector.garments import garments
from training.detector.photos import CLASSES
from training.splits import held_back


class Detector(LiteRtDetector):
    """Sees the same regions in every picture."""

    def __init__(self, *regions: Region) -> None:
        self._regions = list(regions)

    def detect(self, picture: Picture, *, category: str | None = None) -> list[Region]:
        return self._regions


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twenty shop photos of skirts and twenty phone photos of blazers, each of a product, or a sender, of its own."""
    for name, columns, kind in (
        ("studio_products", ("articleType", "product_id"), "Skirts"),
        ("clothing_cc0", ("category", "sender_id"), "Blazer"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["path", *columns])
            for number in range(20):
                cv2.imwrite(str(folder / f"{number}.png"), np.full((100, 80, 3), 200, np.uint8))
                writer.writerow([f"{number}.png", kind, number])
    return tmp_path


def regions() -> list[Region]:
    return [Region(Box(0.1, 0.5, 0.9, 1.0), "dress", 0.9), Region(Box(0.0, 0.0, 1.0, 0.5), "top", 0.8)]


def test_the_best_box_of_the_right_half_gets_the_class_that_was_said(data: Path) -> None:
    found = garments(data, Detector(*regions()), np.random.default_rng(1))
    skirts = [photo for photo in found if photo.classes.tolist() == [CLASSES.index("skirt")]]
    blazers = [photo for photo in found if photo.classes.tolist() == [CLASSES.index("outerwear")]]
    assert len(skirts) + len(blazers) == len(found)
    for photo in found:
        height, width = photo.pixels.shape[:2]
        (box,) = photo.boxes / np.array([width, height] * 2)
        np.testing.assert_allclose(box, [0.1, 0.5, 0.9, 1.0], atol=1e-6)
        assert photo.judged[photo.classes].all()
        assert photo.judged[CLASSES.index("shoes")] == 0


def test_nobody_who_is_held_back_teaches(data: Path) -> None:
    expected = [sum(not held_back(origin, str(number)) for number in range(20)) for origin in ("studio_products", "clothing_cc0")]
    assert expected[1] < 20
    assert len(garments(data, Detector(*regions()), np.random.default_rng(1))) == sum(expected)


def test_a_photo_in_which_nothing_sure_is_seen_is_left_out(data: Path) -> None:
    unsure = Region(Box(0.1, 0.1, 0.9, 0.9), "dress", 0.2)
    assert garments(data, Detector(unsure), np.random.default_rng(1)) == []
