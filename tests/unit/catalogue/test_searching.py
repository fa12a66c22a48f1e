"""A search asks Milvus for what is near, and for what that shows only where it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.catalogue import searching
from services.catalogue.connection import Row
from services.catalogue.engine import MilvusCatalogue
from services.catalogue.pictures import PictureFiles
from shoplens.testing.contracts.catalogue import ENCODER, found, put
from shoplens.testing.contracts.finding import described
from shoplens.testing.products import draft
from tests.unit.catalogue.memory_milvus import MemoryMilvus


class CountingMilvus(MemoryMilvus):
    """Counts the rows that it was asked for by their ids."""

    asked = 0

    def rows(self, name: str, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
        self.asked += len(ids)
        return super().rows(name, ids, fields)

    def scan(self, name: str, *args: object) -> None:
        before = self.asked
        super().scan(name, *args)  # type: ignore[arg-type]  # as they came
        self.asked = before


def opened(milvus: MemoryMilvus, folder: Path) -> MilvusCatalogue:
    return MilvusCatalogue(milvus, PictureFiles(folder), ENCODER.card())  # type: ignore[arg-type]  # the part of Milvus that is used


def test_what_was_written_here_is_at_hand(tmp_path: Path) -> None:
    milvus = CountingMilvus()
    with opened(milvus, tmp_path) as catalogue:
        for seed in (1, 2, 1):
            put(catalogue, draft(f"p{seed}", seed))
        assert found(catalogue, 1) == found(catalogue, 1)
        assert set(found(catalogue, 1)) == {"p1", "p2"}
    assert milvus.asked == 0


def test_a_filter_that_leaves_many_looks_deeper_instead_of_naming_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    milvus = MemoryMilvus()
    with opened(milvus, tmp_path) as catalogue:
        for seed in range(12):
            put(catalogue, described(f"p{seed}", seed, brand="Acme" if seed % 3 else "Other"))
        named = found(catalogue, 0, limit=4, only="brand = acme")
        assert milvus.searches[-1][1]
        monkeypatch.setattr(searching, "MOST_NAMED", 2)
        assert found(catalogue, 0, limit=4, only="brand = acme") == named
        assert milvus.searches[-1] == (13, "")
        # What looking deeper cannot find, the list does.
        monkeypatch.setattr(searching, "MOST_HITS", 5)
        assert found(catalogue, 0, limit=4, only="brand = other")
        assert milvus.searches[-1][1]


def test_what_was_written_before_is_loaded_once(tmp_path: Path) -> None:
    milvus = CountingMilvus()
    with opened(milvus, tmp_path) as catalogue:
        put(catalogue, draft("p1", 1))
    with opened(milvus, tmp_path) as catalogue:
        first = found(catalogue, 1)
        loaded = milvus.asked
        assert first[0] == "p1"
        assert loaded > 0
        assert found(catalogue, 1) == first
        assert milvus.asked == loaded
        catalogue.delete("p1")
        assert found(catalogue, 1) == []
