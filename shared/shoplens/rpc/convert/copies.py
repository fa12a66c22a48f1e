"""Copies of pictures, and how they were changed."""

from __future__ import annotations

from shoplens.api.copies.v1 import copies_pb2
from shoplens.domain import Affine, Change, Copy, Recolouring
from shoplens.errors import InvalidArgument

_RECOLOURINGS = {
    Recolouring.NONE: copies_pb2.RECOLOURING_NONE,
    Recolouring.HUE: copies_pb2.RECOLOURING_HUE,
    Recolouring.GREY: copies_pb2.RECOLOURING_GREY,
}
_NAMED = {number: recolouring for recolouring, number in _RECOLOURINGS.items()}


def pack_copy(copy: Copy) -> copies_pb2.Copy:
    change = copy.change
    return copies_pb2.Copy(
        content_hash=copy.content_hash,
        probability=copy.probability,
        exact=copy.exact,
        change=copies_pb2.Change(
            flipped=change.flipped,
            overlap=change.overlap,
            query_overlap=change.query_overlap,
            affine=[value for row in change.affine for value in row],
            recolouring=_RECOLOURINGS[change.recolouring],
            amount=change.amount,
        ),
    )


def unpack_copy(message: copies_pb2.Copy) -> Copy:
    change = message.change
    return Copy(
        content_hash=message.content_hash,
        probability=message.probability,
        exact=message.exact,
        change=Change(
            flipped=change.flipped,
            overlap=change.overlap,
            query_overlap=change.query_overlap,
            affine=_affine(tuple(change.affine)),
            recolouring=_NAMED.get(change.recolouring, Recolouring.NONE),
            amount=change.amount,
        ),
    )


def _affine(values: tuple[float, ...]) -> Affine:
    if len(values) != 6:
        raise InvalidArgument(f"An affine map has six numbers, not {len(values)}.")
    a, b, c, d, e, f = values
    return ((a, b, c), (d, e, f))
