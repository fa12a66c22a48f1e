from __future__ import annotations

from collections.abc import Callable

import pytest

from shoplens.domain import CopyMatch, CopyQuery
from shoplens.migration.generations import Generation, Generations
from shoplens.testing.fakes.catalogue import FakeCatalogue
from shoplens.testing.fakes.models import FakeEncoder
from shoplens.testing.fakes.paths import FakeIngest, FakeSearch
from shoplens.testing.fakes.ranker import FakeRanker


class NoCopies:
    def copies(self, query: CopyQuery) -> list[CopyMatch]:
        return []


Make = Callable[[int], Generation]


@pytest.fixture
def closed() -> list[int]:
    """The numbers of the generations that were closed."""
    return []


@pytest.fixture
def make(closed: list[int]) -> Make:
    """Makes a generation of fakes."""

    def made(number: int) -> Generation:
        encoder = FakeEncoder(str(number))
        model = encoder.card().model
        catalogue = FakeCatalogue(model)
        search = FakeSearch(encoder, catalogue, FakeRanker())
        return Generation(number, search, FakeIngest(encoder, catalogue), catalogue, NoCopies(), lambda: closed.append(number))

    return made


@pytest.fixture
def generations(make: Make) -> Generations:
    """The first one, alone."""
    return Generations(make(1))
