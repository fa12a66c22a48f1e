"""Encoded bytes become a :class:`~shoplens.domain.Picture`: checked, upright, RGB and of a size fit to work with.

The same bytes always give the same pixels. Limits are held against the header, before a pixel is decoded. Pillow decodes
rather than OpenCV: it is as fast, and it raises on a truncated file, knows CMYK and colour profiles, and takes the first
frame of an animation, where OpenCV gives half a grey picture, wrong colours or nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Final, Protocol

import numpy as np

# Importing a plugin registers its format: Image.open loads none by itself when it is told which formats to try.
from PIL import AvifImagePlugin, Image, ImageCms, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from shoplens import deadlines
from shoplens.caches import MemoryCache
from shoplens.domain import Picture, Pixels
from shoplens.errors import Overloaded, PictureTooLarge, UnreadablePicture

WORKING_SIDE: Final = 1024
"""The longer side of a decoded picture at most, in pixels."""

MAX_BYTES: Final = 30_000_000
MAX_PIXELS: Final = 100_000_000
LARGE_PIXELS: Final = 25_000_000
MAX_SCANS: Final = 200
"""Passes over a progressive JPEG, each of which costs as much as the whole picture; ten are usual."""

MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # what phones write: a JPEG with a depth map or a second view behind it
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
}
"""The formats that are read, and what each is called over HTTP."""

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION_TAG: Final = 0x0112
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")

_JPEG_SCAN: Final = b"\xff\xda"

_one_large_picture: Final = threading.Lock()

_sizes: Final[MemoryCache[str, tuple[int, int]]] = MemoryCache("photos", most=10_000, kept_s=600.0)
"""Width and height of photos that could be decoded, by their hash."""

# Pillow's own limit warns where it should refuse; _open refuses, at MAX_PIXELS.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's file says before its pixels; width and height of the picture as it is to be seen."""

    media_type: str
    width: int
    height: int


class Reader(Protocol):
    """Where pictures are read: in this process, or apart from it (:mod:`shoplens.decoders`)."""

    def header(self, content: bytes) -> Header:
        """Raises ``UnreadablePicture`` and ``PictureTooLarge``."""
        ...

    def decode(self, content: bytes) -> Picture:
        """As :func:`decode`."""
        ...


class _Here:
    """Implements ``Reader`` in this process."""

    def header(self, content: bytes) -> Header:
        image = _open(content)
        return Header(MEDIA_TYPES[image.format or ""], *_upright_size(image))

    def decode(self, content: bytes) -> Picture:
        image = _open(content)
        width, height = image.size
        with _room_for(width * height):
            pixels, orientation = _decoded(image)
        turn = _UPRIGHT.get(orientation)
        if turn is not None:
            pixels = pixels.transpose(turn)
        if orientation in (5, 6, 7, 8):
            width, height = height, width
        return Picture(np.asarray(pixels), content_hash(content), width, height)


HERE: Final = _Here()

_readers: Final[list[Reader]] = [HERE]
"""The last one reads."""


@contextmanager
def read_by(reader: Reader) -> Iterator[None]:
    """Inside, all pictures of this process are read there; for a composition root."""
    _readers.append(reader)
    try:
        yield
    finally:
        _readers.remove(reader)


def decode(content: bytes) -> Picture:
    """Decode a picture's bytes; see :class:`~shoplens.domain.Picture` for what comes out.

    Transparency is laid on white, colours are brought to sRGB, an animation gives its first frame.
    Raises ``PictureTooLarge`` (over ``MAX_BYTES`` or ``MAX_PIXELS``), ``UnreadablePicture``, and ``Overloaded`` where pictures
    over ``LARGE_PIXELS`` queue up.
    """
    return _readers[-1].decode(content)


def photo(content: bytes) -> Picture:
    """A photo as it comes from outside: decoded at once, and raising what ``decode`` does.

    One whose bytes came a while ago is decoded when its pixels are first asked for: they seldom are, for what was made of a photo is
    remembered by its hash.
    """
    known_by = content_hash(content)
    size = _sizes.get(known_by)
    if size is not None:
        return _Unopened(content, known_by, *size)
    picture = decode(content)
    _sizes.set(known_by, (picture.width, picture.height))
    return picture


class _Unopened(Picture):
    """A picture whose pixels are decoded once they are asked for. Safe to use from many threads."""

    __slots__ = ("_content", "_decoded", "_lock")
    _content: bytes
    _decoded: Pixels | None
    _lock: threading.Lock

    def __init__(self, content: bytes, content_hash: str, width: int, height: int) -> None:
        for name, value in {
            "content_hash": content_hash, "width": width, "height": height,
            "_content": content, "_decoded": None, "_lock": threading.Lock(),
        }.items():  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def pixels(self) -> Pixels:
        with self._lock:
            decoded = self._decoded
            if decoded is None:
                decoded = decode(self._content).pixels
                object.__setattr__(self, "_decoded", decoded)
            return decoded


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of the picture as it is to be seen. Of what is damaged behind its header, decoding tells."""
    width, height = image.size
    if image.format == "TIFF":  # Pillow turns these itself
        return width, height
    try:
        turned = image.getexif().get(_ORIENTATION_TAG) in (5, 6, 7, 8)
    except Exception:  # noqa: BLE001  a parser fed with hostile bytes may raise anything
        return width, height
    return (height, width) if turned else (width, height)


def media_type(content: bytes) -> str:
    """The media type of a picture's bytes, told from its header. Raises ``UnreadablePicture`` and ``PictureTooLarge``."""
    return _readers[-1].header(content).media_type


def content_hash(content: bytes) -> str:
    """SHA-256 in hex: the same picture file has the same hash wherever it comes from."""
    return hashlib.sha256(content).hexdigest()


def check_size(content: bytes) -> None:
    """Raises ``UnreadablePicture`` where there are no bytes and ``PictureTooLarge`` where there are too many."""
    if not content:
        raise UnreadablePicture("The picture is empty; send the bytes of a picture file.")
    if len(content) > MAX_BYTES:
        raise PictureTooLarge(f"The picture has {len(content):,} bytes; send at most {MAX_BYTES:,}.")


def _open(content: bytes) -> Image.Image:
    """Read the header and hold it against the limits."""
    check_size(content)
    try:
        image = Image.open(BytesIO(content), formats=tuple(name for name in MEDIA_TYPES if name != "MPO"))
    except Exception as error:  # a parser fed with hostile bytes may raise anything
        kind = "a HEIC picture, which is not read" if content[8:12] in _HEIF_BRANDS else "not a picture that can be read"
        raise UnreadablePicture(f"This is {kind}; send a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureTooLarge(f"The picture has {width:,} × {height:,} pixels; send at most {MAX_PIXELS // 1_000_000} megapixels.")
    if width < 1 or height < 1:
        raise UnreadablePicture("The picture has no pixels; send one that shows something.")
    if image.format in ("JPEG", "MPO") and content.count(_JPEG_SCAN) > MAX_SCANS:
        raise UnreadablePicture("The picture is a JPEG in far too many passes; save it again as an ordinary one.")
    return image


@contextmanager
def _room_for(pixels: int) -> Iterator[None]:
    """Large pictures are decoded one at a time: each may take most of a gigabyte while it is. Raises ``Overloaded``."""
    if pixels <= LARGE_PIXELS:
        yield
        return
    if not _one_large_picture.acquire(timeout=deadlines.remaining_s(60.0)):
        raise Overloaded("Other large pictures are being read; try again, or send a smaller one.", retry_after_s=1.0)
    try:
        yield
    finally:
        _one_large_picture.release()


def _decoded(image: Image.Image) -> tuple[Image.Image, int]:
    """The picture at its working size in sRGB, as it lies in the file, and how it is to be turned (EXIF's number)."""
    try:
        # A JPEG is decoded at 1/2, 1/4 or 1/8, whichever is the least that is still large enough.
        image.draft(None, _working_size(*image.size))
        image.load()
        told = image.getexif().get(_ORIENTATION_TAG)
        orientation = told if isinstance(told, int) else 1
        return _rgb(_shrunk(_eight_bit(image)), image.info.get("icc_profile")), orientation
    except (UnreadablePicture, MemoryError):
        raise
    except Exception as error:  # a decoder fed with hostile bytes may raise anything
        raise UnreadablePicture("The picture is truncated or damaged; send the whole file again.") from error


def _working_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, WORKING_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _eight_bit(image: Image.Image) -> Image.Image:
    """The image in a mode of eight bits a channel that can be scaled: L, RGB, RGBA or CMYK."""
    if image.mode.startswith("I"):
        # 16 bits of grey. Pillow would clip at 255 rather than scale; what it calls 32 bits is 16 bits in a wider array.
        grey = np.clip(np.asarray(image), 0, 65535).astype(np.uint16) >> 8
        return Image.fromarray(grey.astype(np.uint8))
    if image.mode == "F":
        raise UnreadablePicture("The picture has floating-point samples; save it as JPEG or PNG and send that.")
    if image.has_transparency_data and image.mode != "RGBA":
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "RGBA", "CMYK") else image.convert("RGB")


def _shrunk(image: Image.Image) -> Image.Image:
    """At most ``WORKING_SIDE`` on the longer side; each pixel the mean of the area it stands for, weighted by its opacity."""
    size = _working_size(*image.size)
    return image if size == image.size else image.resize(size, Image.Resampling.BOX)


def _rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB, on white where it was transparent."""
    opacity = image.getchannel("A") if image.mode == "RGBA" else None
    opaque = image.convert("RGB") if opacity is not None else image
    transform = _to_srgb(profile, opaque.mode) if profile else None
    if transform is not None:
        opaque = ImageCms.applyTransform(opaque, transform) or opaque
    opaque = opaque.convert("RGB")
    if opacity is None:
        return opaque
    page = Image.new("RGB", opaque.size, "white")
    page.paste(opaque, mask=opacity)
    return page


@lru_cache(maxsize=32)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from a picture's colour profile to sRGB; None where there is none, or it changes nothing."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):  # a damaged profile, or one of another colour space: as most viewers do
        return None
