"""Good inputs become bad ones: bytes for every format, chunks for images, words for languages, trees for JSON."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

INTERESTING: Final = (0, 1, 2, 7, 8, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
MOST_BYTES: Final = 200_000

Mutate = Callable[[bytes, Sequence[bytes], Random], bytes]
"""A good input, all good inputs of its target, and dice, to another input."""


def bytes_mutated(good: bytes, others: Sequence[bytes], dice: Random) -> bytes:
    """One to six changes at any place."""
    data = bytearray(good)
    for _ in range(dice.randint(1, 6)):
        if not data:
            return dice.randbytes(dice.randint(0, 64))
        place = dice.randrange(len(data))
        match dice.randrange(9):
            case 0:
                data[place] ^= 1 << dice.randrange(8)
            case 1:
                data[place] = dice.randrange(256)
            case 2:
                del data[place:]
            case 3:
                del data[place : place + dice.randint(1, 64)]
            case 4:
                data[place:place] = dice.randbytes(dice.randint(1, 32))
            case 5:
                width = dice.choice((1, 2, 4))
                value = dice.choice(INTERESTING) % (1 << 8 * width)
                data[place : place + width] = value.to_bytes(width, dice.choice(("big", "little")))
            case 6:
                data[place:place] = data[place : place + dice.randint(1, 256)]
            case 7:
                other = dice.choice(others)
                start = dice.randrange(len(other) + 1)
                data[place : place + 64] = other[start : start + 64]
            case 8:
                data += dice.choice(others)[: dice.randint(0, 1_000)]
    return bytes(data[:MOST_BYTES])


def picture_mutated(good: bytes, others: Sequence[bytes], dice: Random) -> bytes:
    """Chunks and headers as the format has them, often with their sums and lengths put right again, so that what lies deeper is reached."""
    if good.startswith(b"\x89PNG") and dice.random() < 0.7:
        return _png(good, others, dice)
    if good.startswith(b"\xff\xd8") and dice.random() < 0.6:
        return _jpeg(good, dice)
    if good.startswith(b"RIFF") and dice.random() < 0.4:
        broken = bytearray(bytes_mutated(good, others, dice))
        if len(broken) >= 8:
            broken[4:8] = struct.pack("<I", len(broken) - 8)
        return bytes(broken)
    return bytes_mutated(good, others, dice)


def _png(good: bytes, others: Sequence[bytes], dice: Random) -> bytes:
    chunks, place = [], 8
    while place + 8 <= len(good):
        (length,) = struct.unpack(">I", good[place : place + 4])
        chunks.append([good[place + 4 : place + 8], good[place + 8 : place + 8 + length]])
        place += 12 + length
    chosen = dice.choice(chunks)
    match dice.randrange(5):
        case 0:
            chosen[1] = bytes_mutated(chosen[1], others, dice)
        case 1:
            chunks.insert(dice.randrange(len(chunks) + 1), list(chosen))
        case 2:
            chunks.remove(chosen)
        case 3:
            chosen[0] = dice.choice((b"iCCP", b"eXIf", b"tRNS", b"acTL", b"fcTL", b"PLTE", b"zTXt", b"IDAT", b"IEND"))
        case 4:
            header = bytearray(chunks[0][1].ljust(13, b"\0"))
            which = dice.randrange(7)
            if which < 2:
                header[4 * which : 4 * which + 4] = struct.pack(">I", dice.choice(INTERESTING) & 0xFFFFFFFF)
            else:
                header[6 + which] = dice.randrange(256)
            chunks[0][1] = bytes(header)
    out = bytearray(good[:8])
    for name, content in chunks:
        out += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return bytes(out[:MOST_BYTES])


def _jpeg(good: bytes, dice: Random) -> bytes:
    data = bytearray(good)
    markers = [place for place in range(len(data) - 9) if data[place] == 0xFF and data[place + 1] not in (0, 0xFF)]
    place = dice.choice(markers)
    match dice.randrange(4):
        case 0:
            data[place + 1] = dice.choice((0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE1, 0xE2, 0xEE, 0xD9, 0xD0))
        case 1:
            data[place + 2 : place + 4] = struct.pack(">H", dice.choice(INTERESTING) & 0xFFFF)
        case 2:
            data[place + 4 : place + 9] = dice.randbytes(5)
        case 3:
            exif = b"Exif\0\0" + dice.choice((b"II*\0", b"MM\0*")) + dice.randbytes(dice.randint(4, 60))
            data[2:2] = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return bytes(data)


def words_mutated(words: Sequence[str]) -> Mutate:
    """For a language: words of it in any order, and bytes now and then."""

    def mutate(good: bytes, others: Sequence[bytes], dice: Random) -> bytes:
        if dice.random() < 0.2:
            return bytes_mutated(good, others, dice)
        said = good.decode("utf-8", "replace").split(" ")
        for _ in range(dice.randint(1, 8)):
            place = dice.randrange(len(said) + 1)
            match dice.randrange(3):
                case 0:
                    said[place:place] = [dice.choice(words)]
                case 1:
                    del said[place : place + 1]
                case 2:
                    said[place : place + 1] = [dice.choice(words) * dice.choice((1, 1, 1, 2, 50))]
        return dice.choice((" ", " ", "")).join(said).encode("utf-8", "replace")

    return mutate


def json_mutated(good: bytes, others: Sequence[bytes], dice: Random) -> bytes:
    """Values of other kinds, fields of other documents, lists in lists; and bytes now and then."""
    if dice.random() < 0.15:
        return bytes_mutated(good, others, dice)
    document = json.loads(good)
    for _ in range(dice.randint(1, 4)):
        holder, name = _place_in(document, dice)
        if holder is None:
            break
        match dice.randrange(4):
            case 0:
                holder[name] = _odd(dice)
            case 1:
                holder[name] = [holder[name]] * dice.choice((1, 2, 40))
            case 2:
                del holder[name]
            case 3:
                other = json.loads(dice.choice(others))
                if isinstance(holder, dict) and isinstance(other, dict) and other:
                    field = dice.choice(list(other))
                    holder[field] = other[field]
    return json.dumps(document, allow_nan=True).encode("utf-8", "surrogatepass")


def _place_in(document: Any, dice: Random) -> tuple[Any, Any]:
    """A random place: what holds it, and its name there."""
    found = []

    def walk(value: Any) -> None:
        names = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for name in names:
            found.append((value, name))
            walk(value[name])

    walk(document)
    return dice.choice(found) if found else (None, None)


def _odd(dice: Random) -> Any:
    deep: Any = "deep"
    for _ in range(60):
        deep = [deep]
    return dice.choice(
        (
            None, True, False, 0, -1, 1.5, 2**63, -(2**63), 10**30, 1e308, float("inf"), float("nan"), "", " ", "x" * 5_000, "\0", "\ud800",
            "🧥" * 300, [], {}, [[]], {"": {}}, deep, "2026-13-45", "2026-01-01T00:00:00Z", "====", "file:../../etc/passwd",
        )
    )  # fmt: skip
