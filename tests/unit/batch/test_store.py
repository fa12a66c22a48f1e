"""Features in Parquet: whole or not at all, once, and found again by what the write path asks with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from services.batch.store import GROUP_ROWS, FeatureStore

MAKER = "1:lite0-2"
ROWS = [(f"{number:064x}", f"features {number}".encode()) for number in range(GROUP_ROWS * 2 + 5)]


def test_what_was_written_is_known_and_read_again(tmp_path: Path) -> None:
    FeatureStore(tmp_path).write(MAKER, ROWS)
    store = FeatureStore(tmp_path)
    assert store.known(MAKER) == {name for name, _ in ROWS}
    assert sorted(store.rows(MAKER)) == ROWS
    for name, features in (ROWS[0], ROWS[GROUP_ROWS], ROWS[-1]):
        assert store.get(f"features:{MAKER}:{name}") == features


@pytest.mark.parametrize("key", ["", "source:abc", f"features:{MAKER}:{'f' * 64}", f"features:2:other-1:{ROWS[0][0]}", "features:"])
def test_what_is_not_there_is_not_known(tmp_path: Path, key: str) -> None:
    store = FeatureStore(tmp_path)
    store.write(MAKER, ROWS[:3])
    assert store.get(key) is None
    assert store.known("2:other-1") == frozenset()


def test_a_task_that_runs_twice_writes_the_same_file(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    assert store.write(MAKER, ROWS[:9]) == store.write(MAKER, list(reversed(ROWS[:9])))
    assert len(list(tmp_path.glob("*/*/*"))) == 1
    store.write(MAKER, ROWS[5:12])
    assert len(list(store.rows(MAKER))) == 12


def test_what_dies_half_way_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    store = FeatureStore(tmp_path)
    monkeypatch.setattr(parquet, "write_table", broken)
    with pytest.raises(OSError, match="No space"):
        store.write(MAKER, ROWS[:3])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@given(maker=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_any_maker_names_a_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory, maker: str) -> None:
    root = tmp_path_factory.mktemp("store")
    FeatureStore(root).write(maker, ROWS[:1])
    assert FeatureStore(root).get(f"features:{maker}:{ROWS[0][0]}") == ROWS[0][1]
    assert len(list(root.iterdir())) == 1
