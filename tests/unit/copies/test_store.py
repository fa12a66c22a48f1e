"""Signatures on disk: known after a restart, by version, and a file that is none of ours is refused with what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.copies.keypoints import KeypointExtractor
from services.copies.signature import Signature, pack_thumbnail
from services.copies.store import SignatureStore
from shoplens.errors import FailedPrecondition
from tests.unit.copies.scenes import scene


def signature(extractor: KeypointExtractor, seed: int) -> Signature:
    pixels = scene(seed)
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (6, 32)).astype(np.uint8)
    return Signature(
        fingerprint=codes[:1],
        codes=codes,
        content_hash=f"{seed:064x}",
        width=240,
        height=300,
        keypoints=extractor.of_reference(pixels),
        thumbnail=pack_thumbnail(pixels),
    )


def test_what_was_kept_is_read_by_whoever_opens_the_file_next(tmp_path: Path, extractor: KeypointExtractor) -> None:
    store = SignatureStore(tmp_path / "copies.db", "one-1")
    kept = [signature(extractor, seed) for seed in (1, 2, 3)]
    assert [store.add(each) for each in kept] == [1, 2, 3]
    assert store.add(kept[0]) is None
    store.close()
    again = SignatureStore(tmp_path / "copies.db", "one-1")
    assert [(number, each.content_hash) for number, each in again.signatures()] == [(i, f"{i:064x}") for i in (1, 2, 3)]
    back = again.read([kept[1].content_hash, "f" * 64])
    assert list(back) == [kept[1].content_hash]
    assert (back[kept[1].content_hash].codes == kept[1].codes).all()
    assert again.unlinked(10) == [each.content_hash for each in kept]
    again.link(kept[0].content_hash, [kept[1].content_hash])
    assert again.unlinked(10) == [kept[1].content_hash, kept[2].content_hash]
    assert again.is_linked(kept[0].content_hash)
    again.close()


def test_another_models_signatures_are_not_mixed_with_ours(tmp_path: Path, extractor: KeypointExtractor) -> None:
    store = SignatureStore(tmp_path / "copies.db", "one-1")
    store.add(signature(extractor, 1))
    store.close()
    other = SignatureStore(tmp_path / "copies.db", "two-1")
    assert other.known([f"{1:064x}"]) == set()
    assert other.add(signature(extractor, 1)) is not None
    other.close()


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copies.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(FailedPrecondition, match="move it away"):
        SignatureStore(tmp_path / "copies.db", "one-1")


def test_sealed_words_belong_to_one_life_of_the_store(tmp_path: Path, extractor: KeypointExtractor) -> None:
    store = SignatureStore(tmp_path / "copies.db", "one-1")
    assert store.sealed() is None
    for seed in (1, 2):
        store.add(signature(extractor, seed))
    old, new = store.to_seal(), None
    old.touch()
    store.add(signature(extractor, 3))
    new = store.to_seal()
    new.touch()
    assert store.sealed() == (new, 3)
    store.drop_sealed(but=new)
    assert not old.exists()
    store.close()
    (tmp_path / "copies.db").unlink()
    another = SignatureStore(tmp_path / "copies.db", "one-1")
    assert another.sealed() is None
    another.close()


def test_a_file_sealed_after_what_a_backup_brought_back_is_not_used(tmp_path: Path, extractor: KeypointExtractor) -> None:
    store = SignatureStore(tmp_path / "copies.db", "one-1")
    store.add(signature(extractor, 1))
    ahead = store.to_seal().with_name(store.to_seal().name.replace("-1.words", "-7.words"))
    ahead.touch()
    assert store.sealed() is None
    store.close()


def test_outlines_and_signatures_share_out_the_pictures(tmp_path: Path, extractor: KeypointExtractor) -> None:
    store = SignatureStore(tmp_path / "copies.db", "one-1")
    kept = [signature(extractor, seed) for seed in (1, 2, 3)]
    for each in kept:
        store.add(each)
    assert [number for number, _ in store.outlines(up_to=2)] == [1, 2]
    assert (next(iter(store.outlines(up_to=2)))[1].codes == kept[0].codes).all()
    assert [number for number, _ in store.signatures(after=2)] == [3]
    store.close()


def test_what_is_removed_is_gone_with_its_links_and_its_number_is_not_given_again(tmp_path: Path, extractor: KeypointExtractor) -> None:
    store = SignatureStore(tmp_path / "copies.db", "one-1")
    kept = [signature(extractor, seed) for seed in (1, 2, 3)]
    names = [each.content_hash for each in kept]
    for each in kept:
        store.add(each)
    store.link(names[0], [names[1], names[2]])
    assert store.names(limit=2) == names[:2]
    assert store.names(after=names[1]) == names[2:]
    assert store.remove([names[0], names[2], "f" * 64]) == [1, 3]
    assert store.names() == names[1:2]
    assert list(store.links()) == []
    assert store.last() == 3
    assert store.add(kept[2]) == 4
    store.close()
