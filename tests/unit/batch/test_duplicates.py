"""Near duplicates are found without comparing each with each."""

from __future__ import annotations

from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from services.batch.duplicates import MOST_BITS, entries_of, near_duplicates
from services.standalone.batching import fingerprints_of
from shoplens.testing.pictures import png


def coded(code: bytes, mirrored: bytes | None = None) -> bytes:
    return code + (bytes(32) if mirrored is None else mirrored)


def flipped(code: bytes, bits: list[int]) -> bytes:
    changed = np.unpackbits(np.frombuffer(code, np.uint8))
    changed[bits] ^= 1
    return np.packbits(changed).tobytes()


def random_code(seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(32)


@given(st.lists(st.integers(0, 255), max_size=15, unique=True), st.integers(0, 1000))
def test_codes_fifteen_bits_apart_always_meet(bits: list[int], seed: int) -> None:
    code = random_code(seed)
    rows = [("a", coded(code, random_code(seed + 1))), ("b", coded(flipped(code, bits), random_code(seed + 2)))]
    assert near_duplicates(rows) == [("a", "b")]


@given(st.lists(st.integers(0, 255), min_size=MOST_BITS + 1, max_size=60, unique=True), st.integers(0, 1000))
def test_codes_farther_apart_are_no_pair_whatever_bucket_they_share(bits: list[int], seed: int) -> None:
    code = random_code(seed)
    rows = [("a", coded(code, random_code(seed + 1))), ("b", coded(flipped(code, bits), random_code(seed + 2)))]
    assert near_duplicates(rows) == []


@given(st.integers(2, 40), st.integers(0, 1000))
def test_nothing_is_found_that_comparing_all_with_all_would_not_find(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = random_code(seed)
    codes = [flipped(base, rng.choice(256, int(rng.integers(0, 60)), replace=False).tolist()) for _ in range(count)]
    rows = [(f"{number:02}", coded(code, random_code(seed + number + 1))) for number, code in enumerate(codes)]
    bits = [np.unpackbits(np.frombuffer(code, np.uint8)) for code in codes]
    near = {(f"{a:02}", f"{b:02}") for a, b in combinations(range(count), 2) if (bits[a] ^ bits[b]).sum() <= MOST_BITS}
    certain = {(f"{a:02}", f"{b:02}") for a, b in combinations(range(count), 2) if (bits[a] ^ bits[b]).sum() <= 15}
    found = set(near_duplicates(rows))
    assert certain <= found <= near


def test_a_picture_goes_into_sixteen_buckets_each_way() -> None:
    entries = entries_of("a", coded(random_code(1), random_code(2)))
    assert len(entries) == 32
    assert len({entry.key for entry in entries if entry.plain}) == 16


def saved(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_picture_saved_anew_dimmed_or_mirrored_is_a_near_duplicate(seed: int) -> None:
    image = Image.open(BytesIO(png(seed))).convert("RGB").resize((400, 500))
    made = {
        "badly saved": saved(image, 15),
        "dimmed": saved(ImageEnhance.Brightness(image).enhance(0.7), 80),
        "mirrored": saved(ImageOps.mirror(image), 80),
        "original": saved(image, 95),
        "small": saved(image.resize((160, 200)), 80),
    }
    rows = [(name, fingerprints_of(content)) for name, content in made.items()]
    rows.append(("other", fingerprints_of(png(seed + 50))))
    assert {pair for pair in near_duplicates(rows) if "original" in pair} == {
        tuple(sorted((name, "original"))) for name in made if name != "original"
    }
    assert not any("other" in pair for pair in near_duplicates(rows))


def test_thousands_of_the_same_are_not_compared_each_with_each() -> None:
    rows = [(f"{number:05}", coded(bytes(32), random_code(7))) for number in range(3000)]
    pairs = near_duplicates(rows)
    assert len(pairs) < 3000 * 201
    linked = {one for one, _ in pairs} | {other for _, other in pairs}
    assert len(linked) == 3000
