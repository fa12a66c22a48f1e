"""Pictures made to order: the same arguments give the same pixels and the same bytes, everywhere."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from shoplens.domain import Picture, Pixels
from shoplens.images import decode

SIDE = 96
"""Pixels a side."""


def garment(seed: int) -> Pixels:
    """A patterned blob on white: what a product photo looks like from very far away. Seeds give different colours and shapes."""
    chance = np.random.default_rng(seed)
    colour, stripe = chance.integers(0, 200, size=(2, 3))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    height, width = chance.uniform(0.25, 0.42, size=2)
    inside = ((rows - 0.5) / height) ** 4 + ((columns - 0.5) / width) ** 4 < 1.0
    striped = np.sin(rows * chance.uniform(10, 60) + columns * chance.uniform(0, 40)) > chance.uniform(-0.5, 0.9)
    pixels = np.full((SIDE, SIDE, 3), 255, dtype=np.uint8)
    pixels[inside] = colour
    pixels[inside & striped] = stripe
    return pixels


def png(seed: int) -> bytes:
    """The garment as a shop would send it, without loss."""
    encoded = BytesIO()
    Image.fromarray(garment(seed)).save(encoded, "PNG")
    return encoded.getvalue()


def picture(seed: int) -> Picture:
    """The garment, decoded as everywhere else."""
    return decode(png(seed))
