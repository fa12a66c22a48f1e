"""Writes that wait for the same turn go together."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from services.catalogue.gathering import MOST, Gatherer


class Works:
    """Doubles numbers; the first work lasts until ``released``, so that the rest gathers behind it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failing = 0
        self.entered, self.released = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self.waiting = threading.Semaphore(0)
        self.gatherer = Gatherer(self.work, self.turn)

    @contextmanager
    def turn(self) -> Iterator[None]:
        self.waiting.release()
        with self._lock:
            yield

    def work(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.entered.set()
        assert self.released.wait(10)
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the disk is full")
        return [2 * item for item in items]

    def arrive(self, pool: ThreadPoolExecutor, items: Sequence[int]) -> list[object]:
        """Submit the first, and once it works, the others, one after the other; all of them wait when this returns."""
        futures = [pool.submit(self.gatherer.submit, items[0])]
        assert self.entered.wait(10)
        assert self.waiting.acquire(timeout=10)
        for item in items[1:]:
            futures.append(pool.submit(self.gatherer.submit, item))
            assert self.waiting.acquire(timeout=10)
        self.released.set()
        return [future.exception(10) or future.result(10) for future in futures]


def test_alone_a_write_goes_alone() -> None:
    works = Works()
    works.released.set()
    assert [works.gatherer.submit(number) for number in range(3)] == [0, 2, 4]
    assert works.batches == [[0], [1], [2]]


def test_those_who_wait_go_together_in_order() -> None:
    works = Works()
    with ThreadPoolExecutor(8) as pool:
        assert works.arrive(pool, range(8)) == [2 * number for number in range(8)]
    assert works.batches == [[0], list(range(1, 8))]


def test_a_failure_is_the_leaders_alone_and_the_rest_is_done_again() -> None:
    works = Works()
    works.failing = 2
    with ThreadPoolExecutor(5) as pool:
        outcomes = works.arrive(pool, range(5))
    assert sum(isinstance(outcome, RuntimeError) for outcome in outcomes) == 2
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [
        2 * number for number, outcome in enumerate(outcomes) if isinstance(outcome, int)
    ]


def test_no_turn_lasts_for_ever() -> None:
    works = Works()
    with ThreadPoolExecutor(MOST + 11) as pool:
        works.arrive(pool, range(MOST + 11))
    assert [len(batch) for batch in works.batches] == [1, MOST, 10]


def test_who_gives_up_waiting_is_not_worked_for() -> None:
    @contextmanager
    def never() -> Iterator[None]:
        raise TimeoutError
        yield

    gatherer: Gatherer[int, int] = Gatherer(lambda items: [2 * item for item in items], never)
    with pytest.raises(TimeoutError):
        gatherer.submit(1)
    assert gatherer._waiting == []
