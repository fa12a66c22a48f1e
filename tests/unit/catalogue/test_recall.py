"""A share of searches is asked again, harder, and what they had missed is told."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from services.catalogue.connection import Neighbours
from services.catalogue.recall import EXHAUSTIVE, RecallWatch
from shoplens import metrics
from shoplens.errors import Unavailable

PROBES = np.zeros((2, 4), np.float32)


class Index:
    """Stands in for Milvus: what is really nearest, to each probe."""

    embedded = None

    def __init__(self, nearest: Sequence[Sequence[int]]) -> None:
        self.nearest = nearest
        self.asked: list[tuple[str, Mapping[str, int]]] = []
        self.let_go = threading.Event()
        self.let_go.set()
        self.away = False

    def search(self, name: str, probes: object, *, field: str, limit: int, where: str, params: Mapping[str, int]) -> list[Neighbours]:
        del name, probes, field, limit
        self.asked.append((where, params))
        self.let_go.wait(10)
        if self.away:
            raise Unavailable("Milvus is away.")
        return [Neighbours(ids, [0.5] * len(ids)) for ids in self.nearest]


def told() -> tuple[float, float]:
    samples = {
        sample.name: sample.value for metric in metrics.INDEX_RECALL.collect() for sample in metric.samples if "bucket" not in sample.name
    }
    return samples["shoplens_index_recall_sum"], samples["shoplens_index_recall_count"]


@pytest.fixture
def before() -> tuple[float, float]:
    return told()


def found(*ids: Sequence[int]) -> list[Neighbours]:
    return [Neighbours(each, [0.5] * len(each)) for each in ids]


def test_what_was_missed_lowers_the_recall(before: tuple[float, float]) -> None:
    index = Index([range(10), range(10)])
    watch = RecallWatch(index, "images", every=1)
    watch.searched(PROBES, "node == 'dress'", found(range(10), [0, 1, 2, 3, 90, 91, 92, 93, 94, 95]))
    watch.close()
    total, count = told()
    assert (round(total - before[0], 6), count - before[1]) == (1.4, 2)
    assert index.asked == [("node == 'dress'", EXHAUSTIVE)]


def test_one_in_so_many_is_looked_after_and_none_of_an_exact_index() -> None:
    index = Index([[1], [1]])
    watch = RecallWatch(index, "images", every=10)
    for _ in range(25):
        watch.searched(PROBES, "", found([1], [1]))
    watch.close()
    assert len(index.asked) == 2
    exact = Index([[1], [1]])
    exact.embedded = object()
    watch = RecallWatch(exact, "images", every=1)
    watch.searched(PROBES, "", found([1], [1]))
    watch.close()
    assert exact.asked == []


def test_nobody_waits_for_it_and_an_index_that_is_away_harms_nobody(before: tuple[float, float]) -> None:
    index = Index([[1], [1]])
    index.let_go.clear()
    index.away = True
    watch = RecallWatch(index, "images", every=1)
    for _ in range(50):
        watch.searched(PROBES, "", found([1], [1]))
    index.let_go.set()
    watch.close()
    assert 1 <= len(index.asked) <= 4
    assert told() == before
