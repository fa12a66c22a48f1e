"""What one worker does with its share of the pictures, in whatever process it lives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.batch.pictures import Failure, PictureRef, Report, Shown
from shoplens.errors import ShoplensError
from shoplens.feature_store import FeatureStore
from shoplens.images import content_hash

CHUNK = 64
"""Pictures that are written together: so much is lost at most where a worker dies."""


class Computing(Protocol):
    """What a worker needs to be able to do; made once a process, for models take seconds to load."""

    @property
    def makers(self) -> Sequence[str]:
        """A name for each thing that is computed of a picture, which says everything that it depends on."""
        ...

    def fetch(self, uri: str) -> bytes:
        """A picture's bytes. Raises ``ShoplensError``."""
        ...

    def compute(self, content: bytes, wanted: Sequence[str]) -> Mapping[str, bytes]:
        """What is kept of a picture, by maker, of those that are wanted. Raises ``ShoplensError``."""
        ...


@dataclass(slots=True)
class _Chunk:
    """What is computed and not yet written."""

    rows: dict[str, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    computed: int = 0
    known: int = 0
    failures: tuple[Failure, ...] = ()
    shown: list[Shown] = field(default_factory=list)

    def report(self) -> Report:
        return Report(self.computed, self.known, self.failures, tuple(self.shown))


def work(
    pictures: Iterable[PictureRef],
    computing: Computing,
    store: FeatureStore,
    *,
    known: Mapping[str, frozenset[str]],
    chunk_size: int = CHUNK,
) -> Iterator[Report]:
    """Compute what is not known, and write it chunk by chunk; a report of each chunk once it is on disk. known: pictures, by maker."""
    there = {maker: set(known.get(maker, ())) for maker in computing.makers}
    chunk = _Chunk()
    for picture in pictures:
        try:
            content = picture.content if picture.content is not None else computing.fetch(picture.uri or "")
            hashed = content_hash(content)
            wanted = [maker for maker, names in there.items() if hashed not in names]
            if wanted:
                for maker, made in computing.compute(content, wanted).items():
                    chunk.rows[maker][hashed] = made
                    there[maker].add(hashed)
                chunk.computed += 1
            else:
                chunk.known += 1
            chunk.shown.append(Shown(picture.product_id, picture.image_id, hashed))
        except ShoplensError as error:
            chunk.failures = (*chunk.failures, Failure(picture.product_id, picture.image_id, error.message))
        if chunk.computed >= chunk_size:
            yield _written(chunk, store)
            chunk = _Chunk()
    yield _written(chunk, store)


def _written(chunk: _Chunk, store: FeatureStore) -> Report:
    for maker, rows in chunk.rows.items():
        store.write(maker, list(rows.items()))
    return chunk.report()
