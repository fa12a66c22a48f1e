"""Finds copies: a cascade from the file's hash over codes of bits to local features and pixels, the cheap first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from services.copies.candidates import Candidates, Probe
from services.copies.descriptor import CopyDescriptor, binary
from services.copies.fingerprint import all_eight
from services.copies.groups import Groups
from services.copies.keypoints import KeypointExtractor
from services.copies.linking import Linker
from services.copies.probability import CopyProbability
from services.copies.signature import Signature, Signer
from services.copies.store import SignatureStore
from services.copies.verification import Query, Verifier
from services.copies.views import QUERY_VIEWS
from shoplens import deadlines
from shoplens.domain import Change, Copy, Picture, Pixels
from shoplens.models import ModelError

PROJECTION = "keypoints.npz"
WORDS = "words.npy"
COMPARED_SIDE = 512
"""A query is laid over pictures at this size at most, in pixels of its longer side."""


class CopyFinder:
    """Implements :class:`shoplens.ports.Copies`; safe to call from many threads. ``close`` it, or use it as a context."""

    def __init__(self, model_dir: Path, store: Path, *, threads: int = 2) -> None:
        """Load ``models/copies/<version>`` and the signatures kept in the file ``store``.

        Raises ModelError where the model is none of this engine's, and what :class:`SignatureStore` raises.
        """
        self._descriptor = CopyDescriptor(model_dir, threads)
        try:
            self._keypoints = KeypointExtractor.load(model_dir / PROJECTION)
            centres = np.load(model_dir / WORDS)
            self._verifier = Verifier(CopyProbability.from_parameters(self._descriptor.manifest.parameters))
        except (OSError, KeyError, ValueError) as error:
            raise ModelError(f"{model_dir}: this is no model to find copies with ({error})") from error
        self._signer = Signer(self._descriptor, self._keypoints)
        self._store = SignatureStore(store, self._descriptor.version)
        self._candidates = Candidates(centres)
        for number, signature in self._store.signatures():
            self._candidates.add(number, signature)
        self._groups = Groups(self._store.links())
        self._beside = ThreadPoolExecutor(2, thread_name_prefix="copies")
        self._linker = Linker(self._store, self._link)
        self._linker.wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the linking under way and let go of the file."""
        self._linker.close()
        self._beside.shutdown()
        self._store.close()

    def add(self, picture: Picture) -> None:
        deadlines.check()
        if self._store.known([picture.content_hash]):
            return
        signature = self._signer.sign(picture)
        number = self._store.add(signature)
        if number is not None:
            self._candidates.add(number, signature)
            self._linker.wake()

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:
        known = self._store.known(content_hashes)
        return [name for name in content_hashes if name not in known]

    def find(self, picture: Picture, *, limit: int = 100) -> Sequence[Copy]:
        deadlines.check()
        own = self._store.read([picture.content_hash])
        if own and self._store.is_linked(picture.content_hash):
            # What it is a copy of was looked for when it came.
            near = list(self._store.read(self._groups.linked(picture.content_hash)).values())
            query = Query(_compared(picture.pixels), self._keypoints.as_query(own[picture.content_hash].keypoints))
        else:
            query, probe = self._looked_at(picture)
            near = [near for near in self._numbered(self._candidates.near(probe)) if near.content_hash != picture.content_hash]
        exact = [_exact(name) for name in own]
        return [*exact, *self._verifier.copies(query, near)][:limit]

    def among(self, picture: Picture, content_hashes: Sequence[str]) -> Sequence[Copy]:
        deadlines.check()
        known = dict(self._store.read(content_hashes))
        exact = [_exact(name) for name in known if name == picture.content_hash]
        others = [signature for name, signature in known.items() if name != picture.content_hash]
        if not others:
            return exact
        query = Query(_compared(picture.pixels), self._keypoints.of_query(picture.pixels))
        return [*exact, *self._verifier.copies(query, others)]

    def groups(self, content_hashes: Sequence[str]) -> Mapping[str, str]:
        return self._groups.names(content_hashes)

    def wait_until_linked(self, timeout_s: float) -> bool:
        """Wait until all that was added is in its group; whether that came to pass."""
        return self._linker.wait(timeout_s)

    def _looked_at(self, picture: Picture) -> tuple[Query, Probe]:
        described = self._beside.submit(copy_context().run, self._descriptor.describe, picture.pixels, QUERY_VIEWS)
        keypoints = self._keypoints.of_query(picture.pixels)
        probe = Probe(all_eight(picture.pixels), binary(described.result()), keypoints)
        return Query(_compared(picture.pixels), keypoints), probe

    def _link(self, content_hash: str) -> None:
        """Look for the copies of a known picture among those known, and keep what is found."""
        signature = self._store.read([content_hash])[content_hash]
        pixels, keypoints = signature.pixels(), self._keypoints.as_query(signature.keypoints)
        probe = Probe(all_eight(pixels), signature.codes, keypoints)
        near = [near for near in self._numbered(self._candidates.near(probe)) if near.content_hash != content_hash]
        copies = [copy.content_hash for copy in self._verifier.copies(Query(pixels, keypoints), near)]
        self._store.link(content_hash, copies)
        for other in copies:
            self._groups.join(content_hash, other)

    def _numbered(self, numbers: Sequence[int]) -> list[Signature]:
        found = self._store.numbered(numbers)
        return [found[number] for number in numbers if number in found]


def _exact(content_hash: str) -> Copy:
    return Copy(content_hash, 1.0, Change(), exact=True)


def _compared(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = COMPARED_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    return np.asarray(cv2.resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA))
