"""Near duplicates among millions of pictures, without comparing each with each: locality-sensitive hashing of fingerprints.

A fingerprint's 256 bits are cut into sixteen bands of sixteen bits (Indyk & Motwani 1998).
Pictures that share a band meet in a bucket and are compared bit by bit; those at most ``MOST_BITS`` apart are near duplicates, as in
PDQ. Each picture is also looked for mirrored. Of pairs 15 bits apart all meet, of pairs 20 apart 0.99, of pairs 31 apart 0.88. What is
linked, directly or over others, is a group (Arista, Pinterest's NearDup). Crops and collages are no near duplicates here; the finder
of copies finds those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

MAKER = "fingerprint:1"
"""What the feature store calls what makes fingerprints."""

MOST_BITS = 31
MOST_COMPARED = 200
"""Neighbours in a bucket with which a picture is compared; where thousands meet, as all-white pictures do, those with the nearest codes."""

_BYTES = 32
_BANDS = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture in a bucket. code: 32 bytes, of the picture as it is (``plain``) or mirrored."""

    key: int
    content_hash: str
    code: bytes
    plain: bool


def entries_of(content_hash: str, kept: bytes) -> list[Entry]:
    """Where a picture goes: a bucket for each band, as it is and mirrored."""
    entries = []
    for code, plain in ((kept[:_BYTES], True), (kept[_BYTES : 2 * _BYTES], False)):
        bands = np.frombuffer(code, ">u2")
        entries += [Entry((band << 16) | int(value), content_hash, code, plain) for band, value in enumerate(bands)]
    return entries


def pairs_in(bucket: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """The near duplicates in a bucket, each pair in the order of its names; at least one of the two stands there as it is."""
    ordered = sorted(bucket, key=lambda entry: (entry.code, entry.content_hash))
    codes = np.frombuffer(b"".join(entry.code for entry in ordered), np.uint64).reshape(len(ordered), -1)
    for number, entry in enumerate(ordered):
        following = slice(number + 1, number + 1 + MOST_COMPARED)
        apart = np.bitwise_count(codes[following] ^ codes[number]).sum(axis=1)
        for place in np.flatnonzero(apart <= MOST_BITS):
            other = ordered[number + 1 + int(place)]
            if other.content_hash != entry.content_hash and (entry.plain or other.plain):
                yield min(entry.content_hash, other.content_hash), max(entry.content_hash, other.content_hash)


def near_duplicates(fingerprints: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """All pairs, in order, in this process. fingerprints: content hash and 64 bytes, of the picture as it is and mirrored."""
    buckets: dict[int, list[Entry]] = defaultdict(list)
    for content_hash, kept in fingerprints:
        for entry in entries_of(content_hash, kept):
            buckets[entry.key].append(entry)
    return sorted({pair for bucket in buckets.values() if len(bucket) > 1 for pair in pairs_in(bucket)})
