"""Small in-memory implementations of every port, honest enough to pass the same suites as the real ones."""

from shoplens.testing.fakes.catalogue import FakeCatalogue
from shoplens.testing.fakes.copies import FakeCopies
from shoplens.testing.fakes.models import FakeDetector, FakeEncoder
from shoplens.testing.fakes.paths import FakeIngest, FakeSearch
from shoplens.testing.fakes.ranker import FakeRanker
from shoplens.testing.fakes.stores import FakeCache, FakeDeadLetters, FakeUpdates

__all__ = [
    "FakeCache",
    "FakeCatalogue",
    "FakeCopies",
    "FakeDeadLetters",
    "FakeDetector",
    "FakeEncoder",
    "FakeIngest",
    "FakeRanker",
    "FakeSearch",
    "FakeUpdates",
]
