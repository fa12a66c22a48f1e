"""Readiness is remembered for a second, and its absence not at all."""

from __future__ import annotations

import pytest

from services.catalogue.readiness import HOLDS_S, Readiness
from shoplens.errors import Unavailable


class Store:
    """A store and its clock; asking takes 0.1 s."""

    def __init__(self) -> None:
        self.time = 0.0
        self.ready = True
        self.alive = True
        self.asked = 0

    def ask(self) -> bool:
        self.time += 0.1
        self.asked += 1
        if not self.alive:
            raise Unavailable("away")
        return self.ready

    def readiness(self) -> Readiness:
        return Readiness(self.ask, clock=lambda: self.time)


def test_what_was_ready_is_not_asked_again_for_a_moment() -> None:
    store = Store()
    readiness = store.readiness()
    assert [readiness.now() for _ in range(3)] == [True] * 3
    assert store.asked == 1


def test_a_dead_store_is_noticed_in_time() -> None:
    store = Store()
    readiness = store.readiness()
    assert readiness.now()
    store.alive = False
    store.time = HOLDS_S
    for _ in range(2):
        with pytest.raises(Unavailable):
            readiness.now()


def test_what_was_not_ready_is_asked_each_time() -> None:
    store = Store()
    store.ready = False
    readiness = store.readiness()
    assert not readiness.now()
    store.ready = True
    assert readiness.now()
