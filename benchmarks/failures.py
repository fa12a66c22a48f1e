"""Pictures of what went wrong: people look before they read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray

from shoplens.domain import Pixels

_TILE, _LINE = 180, 18
_INK = (40, 40, 40)
MOST = 48
"""Cases on a sheet."""

Shown = tuple[Pixels, str]
"""A picture and what is written under it."""


def contact_sheet(cases: Sequence[Sequence[Shown]], path: Path, *, across: int = 4) -> None:
    """Cases side by side, ``across`` in a row, the pictures of one case next to one another; ``MOST`` of them at most."""
    drawn = [np.hstack([_captioned(*shown) for shown in case]) for case in cases[:MOST]]
    if not drawn:
        path.unlink(missing_ok=True)
        return
    height, width = drawn[0].shape[:2]
    drawn += [np.full((height, width, 3), 255, np.uint8)] * (-len(drawn) % across)
    gap = np.full((height, _LINE, 3), 255, np.uint8)
    rows = [np.hstack([part for case in drawn[start : start + across] for part in (case, gap)]) for start in range(0, len(drawn), across)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(np.vstack(rows)[..., ::-1]))


def confusions(wanted: Sequence[str], said: Sequence[str], path: Path) -> None:
    """For each name that was wanted, the share of each that was said, as a picture; names that never occur are left out."""
    names = sorted({*wanted, *said})
    place = {name: number for number, name in enumerate(names)}
    count = np.zeros((len(names), len(names)))
    for one, other in zip(wanted, said, strict=True):
        count[place[one], place[other]] += 1
    share = count / np.maximum(count.sum(axis=1, keepdims=True), 1)
    mpl.use("Agg")
    figure, axes = pyplot.subplots(figsize=(0.42 * len(names) + 2.5, 0.42 * len(names) + 1.5))
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
    axes.set_yticks(range(len(names)), [f"{name} ({int(number)})" for name, number in zip(names, count.sum(axis=1), strict=True)])
    axes.set(xlabel="said", ylabel="wanted (photos)")
    for row, column in zip(*np.nonzero(count), strict=True):
        dark = share[row, column] > 0.5
        axes.text(column, row, int(count[row, column]), ha="center", va="center", fontsize=7, color="white" if dark else "black")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def tile(pixels: Pixels, side: int) -> Pixels:
    """The whole picture in the middle of a white square, ``side`` pixels wide."""
    scale = side / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    return square


def _captioned(pixels: Pixels, caption: str) -> NDArray[np.uint8]:
    drawn = np.vstack([tile(pixels, _TILE), np.full((_LINE, _TILE, 3), 255, np.uint8)])
    cv2.putText(drawn, caption[:30], (2, _TILE + _LINE - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.36, _INK, 1, cv2.LINE_AA)
    return drawn
