"""Finds copies: a cascade from the file's hash over codes of bits to local features and pixels, the cheap first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import cv2
import numpy as np
import structlog

from services.copies.candidates import Candidates, Probe
from services.copies.descriptor import CopyDescriptor, binary
from services.copies.fingerprint import Codes, all_eight
from services.copies.groups import Groups
from services.copies.keypoints import PROJECTION, KeypointExtractor
from services.copies.linking import Linker
from services.copies.probability import CopyProbability
from services.copies.rivals import without_rivals
from services.copies.signature import Signature, Signer, unpack_signature
from services.copies.store import SignatureStore
from services.copies.verification import Query, Verifier
from services.copies.views import QUERY_VIEWS
from shoplens import deadlines, metrics
from shoplens.cores import Cores
from shoplens.domain import Change, Copy, Picture, Pixels
from shoplens.models import ModelError
from shoplens.ports import Cache

T = TypeVar("T")

WORDS = "words.npy"
COMPARED_SIDE = 512
"""A query is laid over pictures at this size at most, in pixels of its longer side."""

_LINKED_FROM = 0.9
"""Probability from which two known pictures are one group: a search shows a group once, so a false link hides a product."""

_LOT = 500
"""Signatures that enter the indexes together at the start; some 12 MB."""

_WORTH_SEALING = 500
"""Pictures since the last time from which a stop writes their words down."""

_log = structlog.get_logger()


class CopyFinder:
    """Implements :class:`shoplens.ports.Copies`; safe to call from many threads. ``close`` it, or use it as a context."""

    def __init__(self, model_dir: Path, store: Path, *, cores: Cores | None = None, made: Cache | None = None) -> None:
        """Load ``models/copies/<version>`` and the signatures kept in the file ``store``.

        made: signatures that were made elsewhere, as batch work does; what it has is not made again.

        Raises ModelError where the model is none of this engine's, and what :class:`SignatureStore` raises.
        """
        self._descriptor = CopyDescriptor(model_dir, cores)
        try:
            self._keypoints = KeypointExtractor.load(model_dir / PROJECTION)
            centres = np.load(model_dir / WORDS)
            self._verifier = Verifier(CopyProbability.load(self._descriptor.manifest), 2 if cores is None else cores.count)
        except (OSError, ValueError) as error:
            raise ModelError(f"{model_dir}: this is no model to find copies with ({error})") from error
        self._signer = Signer(self._descriptor, self._keypoints)
        self._made = made
        self._store = SignatureStore(store, self._descriptor.version)
        self._beside = ThreadPoolExecutor(2, thread_name_prefix="copies")
        self._candidates = self._remembered(centres)
        self._groups = Groups(self._store.links())
        self._linker = Linker(self._store, self._link)
        self._linker.wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the linking under way, leave the next start its words, and let go of the file."""
        self._linker.close()
        self._beside.shutdown()
        self._verifier.close()
        self._seal()
        self._store.close()

    def add(self, picture: Picture) -> None:
        deadlines.check()
        if self._store.known([picture.content_hash]):
            return
        made = self._made_elsewhere(picture.content_hash)
        signature = made or self._signer.sign(picture)
        number = self._store.add(signature)
        if number is not None:
            metrics.SIGNATURES.labels(source="computed" if made is None else "known").inc()
            self._candidates.add(number, signature)
            self._linker.wake()

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:
        known = self._store.known(content_hashes)
        return [name for name in content_hashes if name not in known]

    def names(self, *, after: str = "", limit: int = 500) -> Sequence[str]:
        """The pictures that are known, by content hash, in their own order, those above ``after``."""
        return self._store.names(after=after, limit=limit)

    def forget(self, content_hashes: Sequence[str]) -> None:
        """Know these pictures no more, nor that they are copies of any."""
        numbers = self._store.remove(content_hashes)
        self._candidates.remove(np.array(numbers, np.int64))
        self._groups.leave(content_hashes)

    def find(self, picture: Picture, *, limit: int = 100) -> Sequence[Copy]:
        deadlines.check()
        exact = [_exact(name) for name in self._store.known([picture.content_hash])]
        if exact and self._store.is_linked(picture.content_hash):
            found = self._linked(picture)
        else:
            query, probe = self._looked_at(picture)
            near = [near for near in self._numbered(self._candidates.near(probe)) if near.content_hash != picture.content_hash]
            found = without_rivals(self._verifier.copies(query, near), self._may_be_one)
        return [*exact, *found][:limit]

    def among(self, picture: Picture, content_hashes: Sequence[str]) -> Sequence[Copy]:
        deadlines.check()
        known = dict(self._store.read(content_hashes))
        exact = [_exact(name) for name in known if name == picture.content_hash]
        others = [signature for name, signature in known.items() if name != picture.content_hash]
        if not others:
            return exact
        query = Query(compared(picture.pixels), self._keypoints.of_query(picture.pixels))
        return [*exact, *without_rivals(self._verifier.copies(query, others), self._may_be_one)]

    def groups(self, content_hashes: Sequence[str]) -> Mapping[str, str]:
        return self._groups.names(content_hashes)

    def wait_until_linked(self, timeout_s: float) -> bool:
        """Wait until all that was added is in its group; whether that came to pass."""
        return self._linker.wait(timeout_s)

    def _made_elsewhere(self, content_hash: str) -> Signature | None:
        kept = None if self._made is None else self._made.get(f"features:{self._signer.maker}:{content_hash}")
        if kept is None:
            return None
        try:
            return unpack_signature(kept)
        except ValueError as error:
            _log.warning("signature_not_used", content_hash=content_hash, problem=str(error))
            return None

    def _remembered(self, centres: Codes) -> Candidates:
        """The candidates as the store has them; the words from the last stop's file where there is one."""
        sealed, up_to = self._store.sealed() or (None, 0)
        try:
            candidates = Candidates(centres, self._beside, sealed=sealed)
        except RuntimeError as error:
            _log.warning("sealed_words_not_used", file=str(sealed), problem=str(error))
            candidates, up_to = Candidates(centres, self._beside), 0
        kept: list[int] = []
        for outlines in _in_lots(self._store.outlines(up_to=up_to)):
            candidates.add_outlines(outlines)
            kept += [number for number, _ in outlines]
        candidates.remove(np.setdiff1d(np.arange(1, up_to + 1), kept))
        for signatures in _in_lots(self._store.signatures(after=up_to)):
            candidates.add_all(signatures)
        return candidates

    def _seal(self) -> None:
        path, sealed = self._store.to_seal(), self._store.sealed()
        if self._store.last() - (sealed[1] if sealed else 0) < _WORTH_SEALING:
            return
        try:
            self._candidates.seal(path)
            self._store.drop_sealed(but=path)
        except (RuntimeError, OSError) as error:
            # The next start reads the signatures themselves, which takes longer.
            _log.warning("words_not_sealed", file=str(path), problem=str(error))

    def _looked_at(self, picture: Picture) -> tuple[Query, Probe]:
        described = self._beside.submit(copy_context().run, self._descriptor.describe, picture.pixels, QUERY_VIEWS)
        keypoints = self._keypoints.of_query(picture.pixels)
        probe = Probe(all_eight(picture.pixels), binary(described.result()), keypoints)
        return Query(compared(picture.pixels), keypoints), probe

    def _link(self, content_hash: str) -> None:
        """Look for the copies of a known picture among those known, and keep what is found."""
        signature = self._store.read([content_hash]).get(content_hash)
        if signature is None:
            return  # forgotten since
        pixels, keypoints = signature.pixels(), self._keypoints.as_query(signature.keypoints)
        probe = Probe(all_eight(pixels), signature.codes, keypoints)
        near = [near for near in self._numbered(self._candidates.near(probe)) if near.content_hash != content_hash]
        found = without_rivals(self._verifier.copies(Query(pixels, keypoints), near), self._may_be_one)
        copies = [copy.content_hash for copy in found if copy.probability >= _LINKED_FROM]
        self._store.link(content_hash, copies)
        for other in copies:
            self._groups.join(content_hash, other)

    def _linked(self, picture: Picture) -> list[Copy]:
        """What a known picture is a copy of: that was looked for when it came, and only how it differs is still to be said."""
        others = self._store.read(self._groups.linked(picture.content_hash))
        if not others:
            return []
        own = self._store.read([picture.content_hash])[picture.content_hash]
        return self._verifier.copies(Query(compared(picture.pixels), self._keypoints.as_query(own.keypoints)), others.values())

    def _may_be_one(self, one: str, other: str) -> bool:
        """Whether two known pictures are copies of each other, or were not compared yet."""
        names = self._groups.names([one, other])
        if len(names) == 2 and names[one] == names[other]:
            return True
        return not (self._store.is_linked(one) and self._store.is_linked(other))

    def _numbered(self, numbers: Sequence[int]) -> list[Signature]:
        found = self._store.numbered(numbers)
        return [found[number] for number in numbers if number in found]


def _in_lots(items: Iterator[T]) -> Iterator[list[T]]:
    """``_LOT`` at a time."""
    while lot := list(islice(items, _LOT)):
        yield lot


def _exact(content_hash: str) -> Copy:
    return Copy(content_hash, 1.0, Change(), exact=True)


def compared(pixels: Pixels) -> Pixels:
    """As a query is laid over pictures: at most ``COMPARED_SIDE`` on its longer side."""
    height, width = pixels.shape[:2]
    scale = COMPARED_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    return np.asarray(cv2.resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA))
