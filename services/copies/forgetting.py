"""Pictures that no product shows any more are forgotten: a shop that changes its pictures every day would else carry all of them for ever.

A picture is made known before its product is written, so one that nobody shows yet may only be early. What nobody shows in two rounds
running, minutes apart, is left over. Where that was wrong after all, :mod:`services.copies.catching_up` makes it known again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, Protocol

from shoplens.ports import CatalogueReader

_AT_ONCE: Final = 200


class Forgetful(Protocol):
    """What a finder of copies lets go of."""

    def names(self, *, after: str = "", limit: int = 500) -> Sequence[str]:
        """The pictures that are known, by content hash, in their own order, those above ``after``."""
        ...

    def forget(self, content_hashes: Sequence[str]) -> None:
        """Know these pictures no more."""
        ...


class Leftovers:
    """Remembers from round to round what nobody showed."""

    def __init__(self, copies: Forgetful) -> None:
        self._copies = copies
        self._doubtful: set[str] = set()

    def forget(self, catalogue: CatalogueReader, stop: threading.Event) -> int:
        """A round; how many pictures were forgotten. Raises what the catalogue raises, and then the round did not count."""
        if not catalogue.status().ready:
            return 0
        doubtful: set[str] = set()
        forgotten, names = 0, self._copies.names(limit=_AT_ONCE)
        while names and not stop.is_set():
            shown = catalogue.holders(names)
            unused = [name for name in names if not shown.get(name)]
            left_over = [name for name in unused if name in self._doubtful]
            self._copies.forget(left_over)
            forgotten += len(left_over)
            doubtful.update(unused)
            doubtful.difference_update(left_over)
            names = self._copies.names(after=names[-1], limit=_AT_ONCE)
        self._doubtful = doubtful
        return forgotten
