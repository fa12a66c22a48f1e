"""A contact sheet to look at: photos with the detector's regions drawn on them.

``python -m training.detector.sheet --out build/detector/val.png --data DIR`` draws the kept street photos;
``python -m training.detector.sheet --out FILE PHOTO...`` any others. The photos are not ours to publish: the sheet goes
to ``build/``, which git ignores.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.engine import LiteRtDetector
from shoplens.domain import Region
from training.detector.evaluate import picture_of
from training.detector.photos import CLASSES, Labelled, read, street_photos

_TILE_WIDTH, _TILE_HEIGHT = 220, 320


def sheet(detector: LiteRtDetector, photos: Sequence[Labelled], columns: int, region_score: float) -> NDArray[np.uint8]:
    """uint8 RGB, the photos row by row; labelled boxes are thin and white, regions thick, one hue a class."""
    tiles = [_tile(photo, detector.detect(picture_of(photo)), region_score) for photo in photos]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (math.ceil(len(tiles) / columns) * columns - len(tiles))
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.asarray(np.vstack(rows), np.uint8)


def _tile(photo: Labelled, regions: Sequence[Region], region_score: float) -> NDArray[np.uint8]:
    height, width = photo.pixels.shape[:2]
    scale = min(_TILE_WIDTH / width, _TILE_HEIGHT / height)
    size = (int(width * scale), int(height * scale))
    tile = np.zeros((_TILE_HEIGHT, _TILE_WIDTH, 3), np.uint8)
    tile[: size[1], : size[0]] = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA)
    for box in photo.boxes * scale:
        cv2.rectangle(tile, *_corners(box), (255, 255, 255), 1)
    for region in regions:
        if region.score < region_score:
            continue
        colour = _hue(CLASSES.index(region.category))
        box = np.array(region.box.as_tuple()) * np.array([*size, *size])
        cv2.rectangle(tile, *_corners(box), colour, 2)
        text = f"{region.category} {region.score:.2f}"
        cv2.putText(tile, text, (int(box[0]) + 2, int(box[1]) + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, 1, cv2.LINE_AA)
    return tile


def _corners(box: NDArray[np.floating]) -> tuple[tuple[int, int], tuple[int, int]]:
    return (int(box[0]), int(box[1])), (int(box[2]), int(box[3]))


def _hue(index: int) -> tuple[int, int, int]:
    hue = np.array([[[index * 180 // len(CLASSES), 255, 255]]], np.uint8)
    red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="*", help="photos to draw; none: the kept street photos")
    parser.add_argument("--data", type=Path, help="the data folder, which holds street_boxes/")
    parser.add_argument("--model", type=Path, default=Path("models/detector/4"))
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument("--region-score", type=float, default=0.5)
    parser.add_argument("--columns", type=int, default=8)
    arguments = parser.parse_args()
    if not arguments.photos and arguments.data is None:
        parser.error("give photos, or --data DIR for the kept street photos")

    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.intp), np.zeros(len(CLASSES), np.float32)
    photos = [Labelled(read(path), *nothing, path.name) for path in arguments.photos]
    drawn = sheet(
        LiteRtDetector(arguments.model), photos or street_photos(arguments.data, "val"), arguments.columns, arguments.region_score
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(arguments.out), drawn[..., ::-1])


if __name__ == "__main__":
    main()
