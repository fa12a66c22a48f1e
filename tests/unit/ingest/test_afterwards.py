"""What can wait until a stream is quiet."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from services.ingest.afterwards import MOST, Afterwards
from shoplens.domain import Picture
from shoplens.errors import Unavailable
from shoplens.testing import pictures


class Told:
    """A finder of copies that counts what it is told of; ``away`` of them in vain."""

    def __init__(self, wanted: int, *, away: int = 0) -> None:
        self.hashes: list[str] = []
        self._wanted = wanted
        self._away = away
        self.enough = threading.Event()

    def add(self, picture: Picture) -> None:
        self.hashes.append(picture.content_hash)
        if len(self.hashes) == self._wanted:
            self.enough.set()
        if len(self.hashes) <= self._away:
            raise Unavailable("It is away.")

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:
        return content_hashes


def test_pictures_are_told_of_once_it_is_quiet_and_in_order() -> None:
    told, shown = Told(3), [pictures.picture(seed) for seed in range(3)]
    with Afterwards(told, quiet_s=0.01) as afterwards:
        for picture in shown:
            afterwards.add(picture)
        assert told.enough.wait(30)
        assert afterwards.missing(["a"]) == ["a"]
    assert told.hashes == [picture.content_hash for picture in shown]


def test_a_finder_that_is_away_stops_nothing() -> None:
    told = Told(3, away=2)
    with Afterwards(told, quiet_s=0.01) as afterwards:
        for seed in range(3):
            afterwards.add(pictures.picture(seed))
        assert told.enough.wait(30)


def test_more_than_there_is_room_for_is_left_to_the_finders_own_catching_up() -> None:
    told, picture = Told(1), pictures.picture(1)
    afterwards = Afterwards(told, quiet_s=60.0)
    for _ in range(2 * MOST):
        afterwards.add(picture)
    afterwards.close()
    assert len(told.hashes) <= MOST
