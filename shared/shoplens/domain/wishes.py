"""What a shopper's words ask for beside the photo: "this, but in red, with long sleeves"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Wish:
    """words: those that say something; empty where none do. rest: those of them that are neither colour nor attribute.

    colours: named ones, any of which will do. attributes: for each attribute the values any of which will do.
    unlike: for each attribute (and for ``colour``) the values that will not.
    """

    words: str = ""
    rest: str = ""
    colours: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unlike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
