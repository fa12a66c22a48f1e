"""Pictures, boxes and the regions that the detector finds."""

from __future__ import annotations

import numpy as np

from shoplens.api.detector.v1 import detector_pb2
from shoplens.api.picture.v1 import picture_pb2
from shoplens.domain import Box, Picture, Region
from shoplens.errors import InvalidArgument


def pack_picture(picture: Picture) -> picture_pb2.Picture:
    height, width = picture.pixels.shape[:2]
    return picture_pb2.Picture(
        pixels=picture.pixels.tobytes(),
        pixels_width=width,
        pixels_height=height,
        content_hash=picture.content_hash,
        width=picture.width,
        height=picture.height,
    )


def unpack_picture(message: picture_pb2.Picture) -> Picture:
    """The pixels are read-only: they are the message's own bytes."""
    shape = (message.pixels_height, message.pixels_width, 3)
    if not message.pixels or len(message.pixels) != shape[0] * shape[1] * shape[2]:
        raise InvalidArgument("A picture has pixels_height × pixels_width × 3 bytes of pixels, and at least one pixel.")
    pixels = np.frombuffer(message.pixels, dtype=np.uint8).reshape(shape)
    return Picture(pixels, message.content_hash, message.width, message.height)


def pack_box(box: Box) -> picture_pb2.Box:
    return picture_pb2.Box(x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1)


def unpack_box(message: picture_pb2.Box) -> Box:
    try:
        return Box(message.x0, message.y0, message.x1, message.y1)
    except ValueError as error:
        raise InvalidArgument(f"The box will not do: {error}.") from error


def pack_region(region: Region) -> detector_pb2.Region:
    return detector_pb2.Region(box=pack_box(region.box), category=region.category, score=region.score)


def unpack_region(message: detector_pb2.Region) -> Region:
    return Region(unpack_box(message.box), message.category, message.score)
