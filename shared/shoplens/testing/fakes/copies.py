"""A finder of copies that knows pictures by a small grey thumbnail, as they are and mirrored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shoplens import deadlines
from shoplens.domain import Change, Copy, Picture

_SIDE = 24
_ALIKE = 0.97
_MIRRORED = Change(flipped=True, affine=((-1.0, 0.0, 1.0), (0.0, 1.0, 0.0)), amount=0.2)


class FakeCopies:
    """Implements ``ports.Copies``."""

    def __init__(self) -> None:
        self._known: dict[str, NDArray[np.float64]] = {}

    def add(self, picture: Picture) -> None:
        deadlines.check()
        self._known[picture.content_hash] = _thumbnail(picture)

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:
        deadlines.check()
        return [name for name in content_hashes if name not in self._known]

    def find(self, picture: Picture, *, limit: int = 100) -> Sequence[Copy]:
        deadlines.check()
        return self._among(picture, self._known)[:limit]

    def among(self, picture: Picture, content_hashes: Sequence[str]) -> Sequence[Copy]:
        deadlines.check()
        return self._among(picture, [name for name in content_hashes if name in self._known])

    def groups(self, content_hashes: Sequence[str]) -> Mapping[str, str]:
        deadlines.check()
        found = {}
        for name in content_hashes:
            alike = [other for other, seen in self._known.items() if name in self._known and _alike(self._known[name], seen)]
            if len(alike) > 1:
                found[name] = min(alike)
        return found

    def _among(self, picture: Picture, names: Iterable[str]) -> list[Copy]:
        seen, found = _thumbnail(picture), []
        for name in names:
            if name == picture.content_hash:
                found.append(Copy(name, 1.0, Change(), exact=True))
            elif _alike(seen, self._known[name]):
                found.append(Copy(name, 0.98, Change(amount=0.05)))
            elif _alike(seen[:, ::-1], self._known[name]):
                found.append(Copy(name, 0.97, _MIRRORED))
        return sorted(found, key=lambda copy: -copy.probability)


def _thumbnail(picture: Picture) -> NDArray[np.float64]:
    grey = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), dtype=np.float64)


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    a, b = one - one.mean(), other - other.mean()
    return bool((a * b).sum() > _ALIKE * np.sqrt((a * a).sum() * (b * b).sum()) > 0)
