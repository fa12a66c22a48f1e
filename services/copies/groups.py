"""Pictures that copy each other, as groups: who is linked to whom, directly or over others."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


class Groups:
    """A union-find (Tarjan 1975) over content hashes; a group is named by its least hash. Safe to use from many threads."""

    def __init__(self, links: Iterable[tuple[str, str]] = ()) -> None:
        self._lock = threading.Lock()
        self._above: dict[str, str] = {}
        self._linked: dict[str, set[str]] = defaultdict(set)
        for one, other in links:
            self.join(one, other)

    def join(self, one: str, other: str) -> None:
        """Two pictures are copies of each other."""
        with self._lock:
            self._linked[one].add(other)
            self._linked[other].add(one)
            self._join(one, other)

    def leave(self, names: Iterable[str]) -> None:
        """These pictures are no more; whoever was joined over them alone is so no longer."""
        with self._lock:
            for name in names:
                others = self._around(name) - {name}
                for other in self._linked.pop(name, set()):
                    self._linked[other].discard(name)
                for each in (name, *others):
                    self._above.pop(each, None)
                for one in others:
                    for other in self._linked[one]:
                        self._join(one, other)

    def linked(self, content_hash: str) -> list[str]:
        """The pictures that were found to be copies of this one itself."""
        with self._lock:
            return sorted(self._linked.get(content_hash, ()))

    def names(self, content_hashes: Sequence[str]) -> Mapping[str, str]:
        """The group of each picture that is in one."""
        with self._lock:
            return {name: self._top(name) for name in content_hashes if name in self._above}

    def _join(self, one: str, other: str) -> None:
        first, second = sorted((self._top(one), self._top(other)))
        self._above[second] = first
        self._above.setdefault(first, first)

    def _around(self, name: str) -> set[str]:
        """Everything of one group."""
        found, waiting = {name}, [name]
        while waiting:
            new = self._linked.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    def _top(self, name: str) -> str:
        while (above := self._above.get(name, name)) != name:
            self._above[name] = self._above.get(above, above)
            name = above
        return name
