"""What no product shows is forgotten, but not what only came early."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.copies.forgetting import Leftovers
from shoplens.domain import IndexStatus
from shoplens.errors import Unavailable
from shoplens.images import decode
from shoplens.testing.fakes.catalogue import FakeCatalogue
from shoplens.testing.fakes.models import FakeEncoder
from shoplens.testing.fakes.paths import FakeIngest
from shoplens.testing.pictures import png
from shoplens.testing.products import draft

RUNNING = threading.Event()


class Known:
    """Implements ``Forgetful``."""

    def __init__(self, names: Sequence[str]) -> None:
        self.kept = sorted(names)

    def names(self, *, after: str = "", limit: int = 500) -> list[str]:
        return [name for name in self.kept if name > after][:limit]

    def forget(self, content_hashes: Sequence[str]) -> None:
        self.kept = [name for name in self.kept if name not in content_hashes]


class Away(FakeCatalogue):
    """Is ready to say who shows what, or not."""

    problem: Unavailable | None = None
    ready = True

    def status(self) -> IndexStatus:
        if self.problem is not None:
            raise self.problem
        status = super().status()
        return replace(status, ready=self.ready)


@pytest.fixture
def catalogue() -> Away:
    encoder = FakeEncoder("1")
    catalogue = Away(encoder.card().model)
    FakeIngest(encoder, catalogue).put(draft("shirt", 1))
    return catalogue


def name(seed: int) -> str:
    return decode(png(seed)).content_hash


def test_what_nobody_shows_goes_in_the_second_round(catalogue: Away) -> None:
    known = Known([name(1), *(f"{number:064x}" for number in range(450))])
    leftovers = Leftovers(known)
    assert leftovers.forget(catalogue, RUNNING) == 0
    assert len(known.kept) == 451
    assert leftovers.forget(catalogue, RUNNING) == 450
    assert known.kept == [name(1)]
    assert leftovers.forget(catalogue, RUNNING) == 0


def test_a_picture_that_came_before_its_product_stays(catalogue: Away) -> None:
    known = Known([name(1), name(2)])
    leftovers = Leftovers(known)
    leftovers.forget(catalogue, RUNNING)
    FakeIngest(FakeEncoder("1"), catalogue).put(draft("late", 2))
    assert leftovers.forget(catalogue, RUNNING) == 0
    catalogue.delete("late")
    assert leftovers.forget(catalogue, RUNNING) == 0
    assert leftovers.forget(catalogue, RUNNING) == 1
    assert known.kept == [name(1)]


def test_nothing_is_forgotten_where_the_catalogue_does_not_know(catalogue: Away) -> None:
    known = Known([name(2)])
    leftovers = Leftovers(known)
    leftovers.forget(catalogue, RUNNING)
    catalogue.ready = False
    assert leftovers.forget(catalogue, RUNNING) == 0
    catalogue.problem = Unavailable("It is away.")
    with pytest.raises(Unavailable):
        leftovers.forget(catalogue, RUNNING)
    assert known.kept == [name(2)]
