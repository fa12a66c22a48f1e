"""Indexes of bits: as brute force has it, while they grow, sealed or not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.copies.codes import CellIndex, CodeIndex


def random_codes(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8)).astype(np.uint8)


def by_force(queries: np.ndarray, codes: np.ndarray, nearest: int) -> np.ndarray:
    apart = np.unpackbits(queries[:, None] ^ codes[None], axis=2).sum(axis=2)
    return np.sort(apart, axis=1)[:, :nearest]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), count=st.integers(1, 60), nearest=st.integers(1, 8))
def test_distances_are_those_of_brute_force(seed: int, count: int, nearest: int) -> None:
    codes, queries = random_codes(seed, count), random_codes(seed + 1, 4)
    expected = by_force(queries, codes, nearest)
    flat, cells = CodeIndex(64), CellIndex(random_codes(7, 8), cells=8)
    for index in (flat, cells):
        index.add(codes[: count // 2], np.arange(count // 2))
        index.add(codes[count // 2 :], np.arange(count // 2, count))
        assert len(index) == count
        distances, numbers = index.search(queries, nearest)
        there = expected.shape[1]
        assert (distances[:, :there] == expected).all()
        assert (numbers[:, there:] == -1).all()


def test_an_empty_index_finds_nothing() -> None:
    for index in (CodeIndex(64), CellIndex(random_codes(7, 8))):
        assert index.search(random_codes(1, 3), 5)[0].shape == (3, 0)


def test_what_is_sealed_is_found_as_before_and_grows_on(tmp_path: Path) -> None:
    centres, codes, queries = random_codes(7, 8), random_codes(1, 90), random_codes(2, 5)
    index = CellIndex(centres, cells=8)
    index.add(codes[:50], np.arange(50))
    index.seal(tmp_path / "first")
    index.add(codes[50:70], np.arange(50, 70))
    index.seal(tmp_path / "second")
    opened = CellIndex(centres, cells=8, sealed=tmp_path / "second")
    assert len(opened) == 70
    for each in (index, opened):
        each.add(codes[70:], np.arange(70, 90))
        distances, numbers = each.search(queries, 6)
        assert (distances == by_force(queries, codes, 6)).all()
        for row, query in enumerate(queries):
            assert (np.unpackbits(codes[numbers[row]] ^ query, axis=1).sum(axis=1) == distances[row]).all()


def test_a_file_that_is_none_or_of_other_centres_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").write_bytes(b"nothing of the kind")
    with pytest.raises(RuntimeError):
        CellIndex(random_codes(7, 8), sealed=tmp_path / "none")
    CellIndex(random_codes(7, 4)).seal(tmp_path / "four")
    with pytest.raises(RuntimeError, match="other centres"):
        CellIndex(random_codes(7, 8), sealed=tmp_path / "four")


def test_what_is_removed_is_found_no_more(tmp_path: Path) -> None:
    centres, codes, queries = random_codes(7, 8), random_codes(1, 60), random_codes(2, 5)
    gone = np.arange(10, 30)
    flat, cells = CodeIndex(64), CellIndex(centres, cells=8)
    for index in (flat, cells):
        index.add(codes, np.arange(60))
        index.remove(np.append(gone, 1_000))
        assert (index.search(queries, 6)[0] == by_force(queries, np.delete(codes, gone, axis=0), 6)).all()
    assert 9 in flat
    assert 10 not in flat


def test_what_is_removed_of_a_sealed_file_goes_with_the_next_sealing(tmp_path: Path) -> None:
    centres, codes, queries = random_codes(7, 8), random_codes(1, 60), random_codes(2, 5)
    index = CellIndex(centres, cells=8)
    index.add(codes[:40], np.arange(40))
    index.seal(tmp_path / "first")
    index.add(codes[40:], np.arange(40, 60))
    gone = np.arange(30, 50)
    index.remove(gone)
    index.seal(tmp_path / "second")
    for each in (index, CellIndex(centres, cells=8, sealed=tmp_path / "second")):
        assert len(each) == 40
        assert (each.search(queries, 6)[0] == by_force(queries, np.delete(codes, gone, axis=0), 6)).all()


def test_many_search_at_once_while_it_is_added_to_and_sealed(tmp_path: Path) -> None:
    centres, codes, queries = random_codes(7, 8), random_codes(1, 400), random_codes(2, 5)
    index = CellIndex(centres, cells=8)
    index.add(codes[:300], np.arange(300))
    index.seal(tmp_path / "0")
    expected = by_force(queries, codes[:300], 1)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(index.search, queries, 1) for _ in range(200)]
        for number, start in enumerate(range(300, 400, 10), 1):
            index.add(codes[start : start + 10], np.arange(start, start + 10))
            index.seal(tmp_path / str(number))
        answers = [each.result()[0] for each in asked]
    assert all((distances <= expected).all() for distances in answers)
    assert (index.search(queries, 6)[0] == by_force(queries, codes, 6)).all()
