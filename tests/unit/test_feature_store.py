"""Features in Parquet: whole or not at all, once, and found again by what the write path asks with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from shoplens.feature_store import GROUP_ROWS, FeatureStore

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


def test_what_another_process_adds_is_found(tmp_path: Path) -> None:
    loads = FeatureStore(tmp_path, again_s=0)
    key = f"features:{MAKER}:{ROWS[-1][0]}"
    assert loads.get(key) is None
    for start in range(0, len(ROWS), 10):
        FeatureStore(tmp_path).write(MAKER, ROWS[start : start + 10])
        assert loads.get(f"features:{MAKER}:{ROWS[start][0]}") == ROWS[start][1]
    assert loads.get(key) == ROWS[-1][1]


def test_it_is_not_looked_for_new_files_at_every_picture_that_is_not_there(tmp_path: Path) -> None:
    loads = FeatureStore(tmp_path, again_s=3_600)
    key = f"features:{MAKER}:{ROWS[0][0]}"
    assert loads.get(key) is None
    FeatureStore(tmp_path).write(MAKER, ROWS)
    assert loads.get(key) is None
    assert FeatureStore(tmp_path).get(key) == ROWS[0][1]


def test_a_file_that_cannot_be_read_costs_what_it_holds_and_no_more(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, again_s=0)
    broken = store.write(MAKER, ROWS[:3])
    store.write(MAKER, ROWS[3:])
    broken.write_bytes(b"PAR1 and no more")
    assert store.get(f"features:{MAKER}:{ROWS[0][0]}") is None
    assert store.get(f"features:{MAKER}:{ROWS[3][0]}") == ROWS[3][1]


def test_a_file_that_goes_away_afterwards_is_not_known_any_more(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    written = store.write(MAKER, ROWS)
    assert store.get(f"features:{MAKER}:{ROWS[0][0]}") == ROWS[0][1]
    written.unlink()
    assert store.get(f"features:{MAKER}:{ROWS[-1][0]}") is None


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
