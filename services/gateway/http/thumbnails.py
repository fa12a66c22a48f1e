"""Small copies of catalogue pictures, so that a page of results weighs kilobytes; made once, kept in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from io import BytesIO
from typing import Final

from PIL import Image

from shoplens import images

WIDTHS: Final = (160, 320, 640)
"""The only widths there are: each is cached, so their number must be bounded."""

MEDIA_TYPE: Final = "image/jpeg"
_QUALITY: Final = 82


def thumbnail(content: bytes, width: int) -> bytes:
    """The picture as JPEG, upright, at most ``width`` wide and twice as high; never enlarged. Raises as ``images.decode``."""
    pixels = Image.fromarray(images.decode(content).pixels)
    pixels.thumbnail((width, 2 * width), Image.Resampling.LANCZOS, reducing_gap=2.0)
    encoded = BytesIO()
    pixels.save(encoded, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return encoded.getvalue()


class Thumbnails:
    """The thumbnails used most recently, by content hash and width, within ``max_bytes``. Safe to call from many threads."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, content: bytes, content_hash: str, width: int) -> bytes:
        key = (content_hash, width)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
        made = thumbnail(content, width)
        with self._lock:
            self._bytes += len(made) - len(self._kept.pop(key, b""))
            self._kept[key] = made
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made
