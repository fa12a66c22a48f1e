"""What one worker does with its share of the pictures, in whatever process it lives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from services.batch.pictures import Failure, PictureRef, Report, Shown
from services.batch.store import FeatureStore
from shoplens.errors import ShoplensError
from shoplens.images import content_hash

CHUNK = 64
"""Pictures that are written together: so much is lost at most where a worker dies."""


class Computing(Protocol):
    """What a worker needs to be able to do; made once a process, for models take seconds to load."""

    @property
    def maker(self) -> str:
        """Names everything that the features depend on."""
        ...

    def fetch(self, uri: str) -> bytes:
        """A picture's bytes. Raises ``ShoplensError``."""
        ...

    def features(self, content: bytes) -> bytes:
        """What is kept of a picture, as the write path keeps it. Raises ``ShoplensError``."""
        ...


@dataclass(slots=True)
class _Chunk:
    """What is computed and not yet written."""

    rows: dict[str, bytes]
    known: int = 0
    failures: tuple[Failure, ...] = ()
    shown: list[Shown] = field(default_factory=list)

    def report(self) -> Report:
        return Report(len(self.rows), self.known, self.failures, tuple(self.shown))


def work(
    pictures: Iterable[PictureRef], computing: Computing, store: FeatureStore, *, known: frozenset[str], chunk_size: int = CHUNK
) -> Iterator[Report]:
    """Compute what is not known, and write it chunk by chunk; a report of each chunk once it is on disk."""
    chunk = _Chunk({})
    for picture in pictures:
        try:
            content = picture.content if picture.content is not None else computing.fetch(picture.uri or "")
            hashed = content_hash(content)
            if hashed in known or hashed in chunk.rows:
                chunk.known += 1
            else:
                chunk.rows[hashed] = computing.features(content)
            chunk.shown.append(Shown(picture.product_id, picture.image_id, hashed))
        except ShoplensError as error:
            chunk.failures = (*chunk.failures, Failure(picture.product_id, picture.image_id, error.message))
        if len(chunk.rows) >= chunk_size:
            known |= chunk.rows.keys()
            yield _written(chunk, computing.maker, store)
            chunk = _Chunk({})
    yield _written(chunk, computing.maker, store)


def _written(chunk: _Chunk, maker: str, store: FeatureStore) -> Report:
    if chunk.rows:
        store.write(maker, list(chunk.rows.items()))
    return chunk.report()
