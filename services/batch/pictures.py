"""The pictures of a catalogue, as they are handed from process to process."""

from __future__ import annotations

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
class Report:
    """What became of the pictures: computed now, known before, failed."""

    computed: int = 0
    known: int = 0
    failures: tuple[Failure, ...] = ()

    @property
    def pictures(self) -> int:
        return self.computed + self.known + len(self.failures)

    def __add__(self, other: Report) -> Report:
        return Report(self.computed + other.computed, self.known + other.known, (*self.failures, *other.failures))
