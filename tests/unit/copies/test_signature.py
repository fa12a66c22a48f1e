"""What is kept of a picture comes back as it was, and what is not its own is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.copies.keypoints import WIDTH, KeypointExtractor, Keypoints
from services.copies.signature import (
    Signature,
    pack_keypoints,
    pack_signature,
    pack_thumbnail,
    thumbnail,
    unpack_keypoints,
    unpack_signature,
    unpack_thumbnail,
)
from tests.unit.copies.scenes import scene


@given(st.integers(0, 40), st.integers(0, 1 << 30))
def test_keypoints_survive_packing(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given_ = Keypoints(
        rng.random((count, 2), np.float32),
        rng.random(count, np.float32),
        (rng.random(count, np.float32) * 2 * np.pi).astype(np.float32),
        rng.integers(-127, 128, (count, WIDTH)).astype(np.int8),
    )
    back = unpack_keypoints(pack_keypoints(given_))
    assert back.points == pytest.approx(given_.points, abs=1e-5)
    assert back.sizes == pytest.approx(given_.sizes, abs=1e-5)
    turned = np.abs((back.angles - given_.angles + np.pi) % (2 * np.pi) - np.pi)
    assert (turned < 0.013).all()
    assert (back.descriptors == given_.descriptors).all()


@given(st.binary(max_size=300))
def test_bytes_that_are_no_keypoints_are_refused_or_read_whole(content: bytes) -> None:
    try:
        keypoints = unpack_keypoints(content)
    except ValueError:
        return
    assert len(content) == 2 + len(keypoints) * (7 + WIDTH)


@given(st.integers(0, 9), st.integers(1, 8), st.integers(0, 1 << 30))
def test_a_signature_survives_packing(count: int, views: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    descriptors = rng.integers(-127, 128, (count, WIDTH)).astype(np.int8)
    keypoints = Keypoints(*(np.zeros(shape, np.float32) for shape in ((count, 2), count, count)), descriptors)
    codes = rng.integers(0, 256, (views + 1, 32)).astype(np.uint8)
    given_ = Signature(codes[:1], codes[1:], rng.bytes(32).hex(), 4_000, 3_000, keypoints, rng.bytes(50))
    packed = pack_signature(given_)
    back = unpack_signature(packed)
    assert (back.content_hash, back.width, back.height, back.thumbnail) == (given_.content_hash, 4_000, 3_000, given_.thumbnail)
    assert (back.fingerprint == given_.fingerprint).all()
    assert (back.codes == given_.codes).all()
    assert (back.keypoints.descriptors == descriptors).all()
    for cut in (0, 10, len(packed) - 1):
        with pytest.raises(ValueError, match=r"signature|keypoints"):
            unpack_signature(packed[:cut])


@given(st.binary(max_size=400))
def test_bytes_that_are_no_signature_are_refused_or_read_whole(content: bytes) -> None:
    try:
        signature = unpack_signature(content)
    except ValueError:
        return
    assert pack_signature(signature) == content


def test_a_mirror_images_features_follow_from_the_pictures_own(extractor: KeypointExtractor) -> None:
    pixels = scene(8)
    expected = extractor.of_query(np.ascontiguousarray(pixels[:, ::-1])).upright
    made = extractor.of_query(pixels).mirrored
    near = np.linalg.norm(expected.points[:, None] - made.points[None], axis=2)
    same = near.min(axis=1) < 0.005
    assert same.mean() > 0.85
    a, b = expected.descriptors[same].astype(float), made.descriptors[near.argmin(axis=1)[same]].astype(float)
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert np.median(cosine) > 0.9


def test_a_thumbnail_is_small_and_looks_the_same() -> None:
    kept = unpack_thumbnail(pack_thumbnail(thumbnail(scene(1, 900, 1200))))
    assert kept.shape == (256, 192, 3)
    with pytest.raises(ValueError, match="no picture"):
        unpack_thumbnail(b"nothing")
