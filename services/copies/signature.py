"""What is kept of a picture to find its copies: some 25 KB, of which 224 bytes are searched and the rest verifies."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from services.copies.descriptor import CopyDescriptor, binary
from services.copies.fingerprint import Codes, fingerprint
from services.copies.keypoints import PROJECTION, WIDTH, KeypointExtractor, Keypoints
from services.copies.views import REFERENCE_VIEWS
from shoplens.cores import Cores
from shoplens.domain import Picture, Pixels
from shoplens.models import ModelError

FORMAT = "1"
"""Rises when a packed signature changes its shape."""

THUMBNAIL_SIDE = 256
_THUMBNAIL_QUALITY = 88
_COUNT = struct.Struct("<H")
_HEAD = struct.Struct("<32sIIBII")
"""Content hash, width, height, views, bytes of keypoints, bytes of the thumbnail."""
_CODE = 32
_STEPS = 65535
_ANGLE_STEPS = 256


@dataclass(frozen=True, slots=True)
class Outline:
    """The part of a signature that is searched as a whole.

    fingerprint: ``[1, 32]``. codes: ``[views, 32]``, in the order of ``REFERENCE_VIEWS``.
    """

    fingerprint: Codes
    codes: Codes


@dataclass(frozen=True, slots=True)
class Signature(Outline):
    """Of one picture.

    width, height: of the original, in pixels. thumbnail: a JPEG of at most 256 pixels on its longer side.
    """

    content_hash: str
    width: int
    height: int
    keypoints: Keypoints
    thumbnail: bytes

    def pixels(self) -> Pixels:
        """The thumbnail's."""
        return unpack_thumbnail(self.thumbnail)


class Signer:
    """Makes signatures; safe to call from many threads."""

    def __init__(self, descriptor: CopyDescriptor, keypoints: KeypointExtractor) -> None:
        self._descriptor, self._keypoints = descriptor, keypoints

    @classmethod
    def load(cls, model_dir: Path, cores: Cores | None = None) -> Signer:
        """Of ``models/copies/<version>``. Raises ``ModelError`` where the model is none of this kind."""
        descriptor = CopyDescriptor(model_dir, cores)
        try:
            return cls(descriptor, KeypointExtractor.load(model_dir / PROJECTION))
        except (OSError, ValueError) as error:
            raise ModelError(f"{model_dir}: this is no model to find copies with ({error})") from error

    @property
    def maker(self) -> str:
        """Names everything that a packed signature depends on."""
        return f"signature:{FORMAT}:{self._descriptor.version}"

    def sign(self, picture: Picture) -> Signature:
        """The signature of a catalogue picture."""
        return Signature(
            content_hash=picture.content_hash,
            width=picture.width,
            height=picture.height,
            fingerprint=fingerprint(picture.pixels),
            codes=binary(self._descriptor.describe(picture.pixels, REFERENCE_VIEWS)),
            keypoints=self._keypoints.of_reference(picture.pixels),
            thumbnail=pack_thumbnail(thumbnail(picture.pixels)),
        )


def pack_signature(signature: Signature) -> bytes:
    """A whole signature, some 25 KB."""
    keypoints, codes = pack_keypoints(signature.keypoints), signature.codes.tobytes()
    name = bytes.fromhex(signature.content_hash)
    head = _HEAD.pack(name, signature.width, signature.height, len(signature.codes), len(keypoints), len(signature.thumbnail))
    return head + signature.fingerprint.tobytes() + codes + keypoints + signature.thumbnail


def unpack_signature(content: bytes) -> Signature:
    """What :func:`pack_signature` packed. Raises ``ValueError`` where the bytes are not its own."""
    if len(content) < _HEAD.size:
        raise ValueError("a signature that is cut off")
    name, width, height, views, keypoints, thumbnail = _HEAD.unpack_from(content)
    ends = np.cumsum([_HEAD.size, _CODE, views * _CODE, keypoints, thumbnail]).tolist()
    if len(content) != ends[-1]:
        raise ValueError(f"{len(content)} bytes are no signature of {ends[-1]}")
    return Signature(
        content_hash=name.hex(),
        width=width,
        height=height,
        fingerprint=np.frombuffer(content[ends[0] : ends[1]], np.uint8).reshape(1, _CODE),
        codes=np.frombuffer(content[ends[1] : ends[2]], np.uint8).reshape(views, _CODE),
        keypoints=unpack_keypoints(content[ends[2] : ends[3]]),
        thumbnail=content[ends[3] :],
    )


def thumbnail(pixels: Pixels) -> Pixels:
    """At most ``THUMBNAIL_SIDE`` on the longer side, each pixel the mean of the area it stands for."""
    height, width = pixels.shape[:2]
    scale = THUMBNAIL_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def pack_thumbnail(pixels: Pixels) -> bytes:
    """As JPEG, some 8 KB."""
    _, coded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY])
    return coded.tobytes()


def unpack_thumbnail(content: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("a thumbnail that is no picture")
    return np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8)


def pack_keypoints(keypoints: Keypoints) -> bytes:
    """71 bytes a keypoint: place and size to 1/65,535 of the picture, angle to 1/256 of a turn, descriptor as it is."""
    places = np.round(np.clip(keypoints.points, 0, 1) * _STEPS).astype("<u2")
    sizes = np.round(np.clip(keypoints.sizes, 0, 1) * _STEPS).astype("<u2")
    angles = (np.round(keypoints.angles / (2 * np.pi) * _ANGLE_STEPS).astype(np.int64) % _ANGLE_STEPS).astype(np.uint8)
    return _COUNT.pack(len(keypoints)) + places.tobytes() + sizes.tobytes() + angles.tobytes() + keypoints.descriptors.tobytes()


def unpack_keypoints(content: bytes) -> Keypoints:
    """What :func:`pack_keypoints` packed. Raises ``ValueError`` where the bytes are not its own."""
    if len(content) < _COUNT.size:
        raise ValueError("keypoints that are cut off")
    (count,) = _COUNT.unpack_from(content)
    if len(content) != _COUNT.size + count * (4 + 2 + 1 + WIDTH):
        raise ValueError(f"{len(content)} bytes are not {count} keypoints")
    parts, place = [], _COUNT.size
    for dtype, columns in (("<u2", 2), ("<u2", 1), ("u1", 1), ("i1", WIDTH)):
        part = np.frombuffer(content, dtype, count * columns, place)
        place += part.nbytes
        parts.append(part.reshape(count, columns))
    places, sizes, angles, descriptors = parts
    return Keypoints(
        points=places.astype(np.float32) / np.float32(_STEPS),
        sizes=sizes[:, 0].astype(np.float32) / np.float32(_STEPS),
        angles=angles[:, 0].astype(np.float32) * np.float32(2 * np.pi / _ANGLE_STEPS),
        descriptors=descriptors.astype(np.int8),
    )
