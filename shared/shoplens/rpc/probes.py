"""Probes that services share: whether a model computes, and whether an index is finished."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shoplens.domain import Picture
from shoplens.errors import Unavailable
from shoplens.ports import Catalogue
from shoplens.rpc.health import Probe

_BLANK = Picture(np.full((64, 64, 3), 255, dtype=np.uint8), content_hash="", width=64, height=64)


def model_computes(compute: Callable[[Picture], object]) -> Probe:
    """Puts a small white picture through the model."""

    def probe() -> None:
        compute(_BLANK)

    return probe


def index_is_finished(catalogue: Catalogue) -> Probe:
    """Raises ``Unavailable`` while the index is being built, and whatever the catalogue raises where it is away."""

    def probe() -> None:
        if not catalogue.status().ready:
            raise Unavailable("The index is still being built; try again shortly.")

    return probe
