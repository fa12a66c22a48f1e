"""What every converter needs: values that do not fit, vectors, times, and fields that may be unset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import overload

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from shoplens.domain import Vector
from shoplens.errors import InvalidArgument

_ON_THE_WIRE = np.dtype("<f4")


@contextmanager
def packing() -> Iterator[None]:
    """While a request is written: a number too large, a text that is no Unicode or a value of a wrong type raises ``InvalidArgument``."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"A value of the request cannot be sent: {error}.") from error


def pack_vector(vector: Vector) -> bytes:
    """``[width]`` float32 as four bytes a number."""
    return np.ascontiguousarray(vector, dtype=_ON_THE_WIRE).tobytes()


def unpack_vector(packed: bytes) -> Vector:
    """The numbers, read-only and without a copy."""
    if len(packed) % _ON_THE_WIRE.itemsize:
        raise InvalidArgument("A vector is packed little-endian float32: four bytes a number.")
    return np.frombuffer(packed, dtype=_ON_THE_WIRE).astype(np.float32, copy=False)


@overload
def pack_moment(moment: datetime) -> Timestamp: ...
@overload
def pack_moment(moment: datetime | None) -> Timestamp | None: ...
def pack_moment(moment: datetime | None) -> Timestamp | None:
    """A moment without a time zone is taken as UTC."""
    if moment is None:
        return None
    packed = Timestamp()
    packed.FromDatetime(moment)
    return packed


def unpack_moment(packed: Timestamp) -> datetime:
    try:
        return packed.ToDatetime(UTC)
    except ValueError as error:
        raise InvalidArgument("A time lies between the years 1 and 9999.") from error
