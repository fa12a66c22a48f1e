"""The pictures of a catalogue, as they are handed from process to process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

SCHEMA = pa.schema([("product_id", pa.string()), ("image_id", pa.string()), ("uri", pa.string()), ("content", pa.binary())])


@dataclass(frozen=True, slots=True)
class PictureRef:
    """A picture of a product: exactly one of ``uri`` (http, https, file below the feed's folder) and ``content``."""

    product_id: str
    image_id: str
    uri: str | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that could not be computed, and why, in a sentence."""

    product_id: str
    image_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Which picture a product's image is."""

    product_id: str
    image_id: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the pictures: computed now, known before, failed; and which picture each of the first two shows."""

    computed: int = 0
    known: int = 0
    failures: tuple[Failure, ...] = ()
    shown: tuple[Shown, ...] = ()

    @property
    def pictures(self) -> int:
        return self.computed + self.known + len(self.failures)

    @classmethod
    def summed(cls, reports: Iterable[Report]) -> Report:
        """What several say together."""
        all_ = list(reports)
        return cls(
            sum(each.computed for each in all_),
            sum(each.known for each in all_),
            tuple(failure for each in all_ for failure in each.failures),
            tuple(shown for each in all_ for shown in each.shown),
        )
