"""The photos that the copy descriptor learns from, and those that it is measured on."""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from shoplens.domain import Pixels

HELD_BACK_PERCENT = 40
"""Of the senders of ``clothing_cc0``: their photos are for measuring. Decided by a hash, the same everywhere and for ever."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo."""

    path: Path

    def read(self) -> Pixels:
        """The decoded photo, RGB."""
        pixels = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise FileNotFoundError(f"{self.path}: not there, or not a picture")
        return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)


def rows(folder: Path) -> list[dict[str, str]]:
    """The lines of a photo set's manifest. Raises FileNotFoundError, saying what is missing."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest}: the photos are missing; give the folder that holds {folder.name} with --data")
    with manifest.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def phone_photos(data: Path, *, held_back: bool) -> list[Photo]:
    """Photos of ``clothing_cc0`` by senders who teach, or by senders who are held back."""
    folder = data / "clothing_cc0"
    return [
        Photo(folder / row["path"])
        for row in rows(folder)
        if (zlib.crc32(f"clothing_cc0/{row['sender_id']}".encode()) % 100 < HELD_BACK_PERCENT) == held_back
    ]


def training_photos(data: Path) -> list[Photo]:
    """Every photo that teaches: the shop photos of ``studio_products`` and the phone photos of the senders who teach."""
    folder = data / "studio_products"
    studio = [Photo(folder / row["path"]) for row in rows(folder)]
    return studio + phone_photos(data, held_back=False)
