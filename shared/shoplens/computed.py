"""What batch work computed of pictures, for those who would compute it again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shoplens.extras import the_extra
from shoplens.ports import Cache

COMPUTED: Final = "A folder of features that `shoplens compute` made; what is there is not computed again."
"""Describes that setting, wherever it is one."""


def computed_in(folder: Path) -> Cache:
    """The features in that folder, there now or later. Raises ``FailedPrecondition`` where the extra is not installed."""
    with the_extra("features"):
        from shoplens.feature_store import FeatureStore  # Arrow takes a second to import

    return FeatureStore(folder)
