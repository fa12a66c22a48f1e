"""The shipped model through its engine, on pictures drawn here."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.detector.engine import LiteRtDetector
from shoplens.domain import Picture
from shoplens.errors import UnknownCategory
from shoplens.model_store import model_folder
from shoplens.models import ModelError
from shoplens.taxonomy import taxonomy

MODEL = model_folder("detector")


@pytest.fixture(scope="module")
def detector() -> LiteRtDetector:
    return LiteRtDetector(MODEL)


def picture(pixels: np.ndarray) -> Picture:
    return Picture(pixels, content_hash="drawn", width=pixels.shape[1], height=pixels.shape[0])


def somebody() -> Picture:
    """A crude figure in a red top, blue trousers and black shoes, before a grey wall."""
    canvas = np.full((600, 400, 3), (200, 200, 195), np.uint8)
    cv2.circle(canvas, (200, 90), 38, (225, 180, 150), cv2.FILLED)
    cv2.rectangle(canvas, (140, 130), (260, 300), (200, 30, 40), cv2.FILLED)
    cv2.rectangle(canvas, (150, 300), (195, 520), (40, 50, 120), cv2.FILLED)
    cv2.rectangle(canvas, (205, 300), (250, 520), (40, 50, 120), cv2.FILLED)
    cv2.rectangle(canvas, (140, 520), (196, 550), (15, 15, 15), cv2.FILLED)
    cv2.rectangle(canvas, (204, 520), (262, 550), (15, 15, 15), cv2.FILLED)
    return picture(canvas)


def test_its_classes_are_groups_of_the_taxonomy(detector: LiteRtDetector) -> None:
    assert set(detector.manifest.classes) <= set(taxonomy().groups)
    assert len(detector.manifest.classes) == 15


def test_the_manifest_says_the_shapes_that_come_out(detector: LiteRtDetector) -> None:
    scores, boxes, _ = detector.infer(somebody())
    assert scores.shape == detector.manifest.outputs["scores"].shape
    assert boxes.shape == detector.manifest.outputs["boxes"].shape


def test_regions_come_best_first_and_few(detector: LiteRtDetector) -> None:
    regions = detector.detect(somebody())
    scores = [region.score for region in regions]
    assert 1 <= len(regions) <= 20
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 < score <= 1.0 for score in scores)


def test_a_guide_leaves_only_its_own_class_and_is_believed(detector: LiteRtDetector) -> None:
    best = detector.detect(somebody())[0]
    led = detector.detect(somebody(), category=best.category)
    assert {region.category for region in led} == {best.category}
    assert led[0].box == best.box
    assert led[0].score > best.score


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_hot_spots(detector: LiteRtDetector, level: int) -> None:
    regions = detector.detect(picture(np.full((480, 360, 3), level, np.uint8)))
    assert [region for region in regions if region.score >= detector.manifest.parameters["region_score"]] == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (37, 3000)])
def test_any_shape_of_picture_will_do(detector: LiteRtDetector, shape: tuple[int, int]) -> None:
    for region in detector.detect(picture(np.full((*shape, 3), 90, np.uint8))):
        assert 0.0 <= region.box.x0 < region.box.x1 <= 1.0
        assert 0.0 <= region.box.y0 < region.box.y1 <= 1.0


def test_an_unknown_class_is_refused_by_name(detector: LiteRtDetector) -> None:
    with pytest.raises(UnknownCategory, match="no group 'hovercraft'; use one of: top, "):
        detector.detect(somebody(), category="hovercraft")


def test_a_group_that_it_was_not_taught_is_not_found(detector: LiteRtDetector) -> None:
    assert detector.detect(somebody(), category="underwear") == []


def test_many_threads_get_one_threads_answer(detector: LiteRtDetector) -> None:
    alone = detector.detect(somebody())
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: detector.detect(somebody()), range(8)))
    assert all(answer == alone for answer in together)


def test_a_manifest_without_a_threshold_is_refused(tmp_path: Path) -> None:
    table = json.loads((MODEL / "manifest.json").read_text(encoding="utf-8"))
    del table["parameters"]["selection"]["floor"]
    (tmp_path / "manifest.json").write_text(json.dumps(table), encoding="utf-8")
    (tmp_path / table["file"]).symlink_to(MODEL / table["file"])
    with pytest.raises(ModelError, match="lack 'floor'"):
        LiteRtDetector(tmp_path)
