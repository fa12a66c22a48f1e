"""What the parts can do for each other, one Protocol a capability.

An engine, its gRPC client and its fake implement the same port, and one contract suite runs against all three.
Every method raises only errors of :mod:`shoplens.errors` and heeds the deadline of :mod:`shoplens.deadlines`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shoplens.domain import (
    Box,
    Copy,
    CopyMatch,
    CopyQuery,
    DeadLetter,
    EncoderCard,
    Features,
    Hit,
    ImageHolder,
    ImportOutcome,
    Impression,
    IndexedImage,
    IndexStatus,
    Look,
    Message,
    Picture,
    Product,
    ProductDraft,
    ProductPage,
    ProductPatch,
    Ranking,
    RankingQuery,
    Reaction,
    Region,
    RegionQuery,
    SearchAnswer,
    SearchQuery,
    StoredPicture,
    Write,
    WriteOutcome,
)


class Detector(Protocol):
    """Finds fashion regions."""

    def model(self) -> str:
        """Which model it does that with, as name-version."""
        ...

    def detect(self, picture: Picture, *, category: str | None = None) -> Sequence[Region]:
        """The regions, best first, without near-duplicates; none where nothing is found.

        ``category`` (a group of the taxonomy) is the shopper's guide: only that group's evidence counts.
        """
        ...


class Encoder(Protocol):
    """Turns boxes of a picture into features."""

    def card(self) -> EncoderCard:
        """What the outputs mean."""
        ...

    def encode(self, picture: Picture, boxes: Sequence[Box]) -> Sequence[Features]:
        """Features of each box, in order; many boxes of one picture cost one call."""
        ...


class CatalogueReader(Protocol):
    """What the catalogue knows, for all who only look."""

    def get(self, product_id: str) -> Product:
        """Raises ``NotFound``."""
        ...

    def page(self, *, size: int = 100, token: str = "") -> ProductPage:
        """Products in the order of their ids."""
        ...

    def features(self, product_id: str) -> Sequence[Features]:
        """The stored features of the whole frame of each of a product's images. Raises ``NotFound``."""
        ...

    def picture(self, product_id: str, image_id: str) -> StoredPicture:
        """The picture as it came in. Raises ``NotFound``."""
        ...

    def holders(self, content_hashes: Sequence[str]) -> Mapping[str, Sequence[ImageHolder]]:
        """The products' images that show these pictures, by content hash, in the order of product ids; unused ones are left out."""
        ...

    def search(self, query: RegionQuery) -> Sequence[Hit]:
        """Up to ``query.limit`` hits for each probe, nearest first within a probe; with words twice as many."""
        ...

    def status(self) -> IndexStatus:
        """How much can be found, and how fresh it is."""
        ...


class Catalogue(CatalogueReader, Protocol):
    """Keeps products and their vectors, and finds the nearest ones. A write is found once it is acknowledged."""

    def put(self, draft: ProductDraft, node: str, images: Sequence[IndexedImage], *, model: str) -> Product:
        """Store a product whole, in place of what it was. ``images`` are those of the draft, encoded by ``model``.

        An older ``version`` than the stored one changes nothing and returns the stored product; so does the same
        version again. Raises ``FailedPrecondition`` where the index was made with another model.
        """
        ...

    def patch(self, patch: ProductPatch, *, node: str | None = None) -> Product:
        """Change details without touching a vector; ``node`` follows a changed category. Raises ``NotFound``."""
        ...

    def apply(self, writes: Sequence[Write]) -> Sequence[WriteOutcome]:
        """Many writes for little more than the price of one, an outcome for each, in order; found once it returns.

        Writes to one product take effect in their order. A write whose position is not behind that of the product's last
        one in the same log changes nothing, so a log may be brought again from any earlier place; a deletion is remembered
        for that, too. Where it raises, any of the writes may be in effect, and all may be brought again; it raises
        ``FailedPrecondition`` where the index was made with another model than one of the images.
        """
        ...

    def mark_fresh(self, marks: Mapping[str, datetime]) -> None:
        """Say, by log, up to which moment all that was told there can be found; ``status`` takes the earliest."""
        ...

    def delete(self, product_id: str) -> None:
        """Raises ``NotFound``."""
        ...


class KnownCopies(Protocol):
    """The pictures among which copies are found: what the write path needs of ``Copies``."""

    def add(self, picture: Picture) -> None:
        """Know a picture; found once it returns. A picture that is known already costs nothing."""
        ...

    def missing(self, content_hashes: Sequence[str]) -> Sequence[str]:
        """Those of the pictures that are not known."""
        ...


class Copies(KnownCopies, Protocol):
    """Knows pictures by what they show, and finds those that are edited copies of one another."""

    def find(self, picture: Picture, *, limit: int = 100) -> Sequence[Copy]:
        """The known pictures of which this one is a copy, likeliest first; the same file is the likeliest of all."""
        ...

    def among(self, picture: Picture, content_hashes: Sequence[str]) -> Sequence[Copy]:
        """Those of the pictures named of which this one is a copy, likeliest first: quicker than ``find``."""
        ...

    def groups(self, content_hashes: Sequence[str]) -> Mapping[str, str]:
        """A name for the group of known pictures that copy each other, for each of these that is in one."""
        ...


class CopySearch(Protocol):
    """Where in the catalogue a picture is used, edited or not."""

    def copies(self, query: CopyQuery) -> Sequence[CopyMatch]:
        """A match for each image of a product that is a copy, in the order asked for."""
        ...


class Ranker(Protocol):
    """Fuses the parts of a match into one order."""

    def rank(self, query: RankingQuery, hits: Sequence[Hit]) -> Ranking:
        """Products by score, each once, at most ``query.top_k``; with the query's categories and the verdict."""
        ...


class Ingest(Protocol):
    """The write path: fetches, decodes, detects, encodes and hands to the catalogue."""

    def put(self, draft: ProductDraft) -> Product:
        """Returns once the product can be found."""
        ...

    def put_many(self, drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        """An outcome for each draft, in order; a bad one does not stop the rest."""
        ...

    def patch(self, patch: ProductPatch) -> Product:
        """Change details without encoding again."""
        ...

    def delete(self, product_id: str, *, version: int | None = None) -> None:
        """Returns once the product can no longer be found; a ``version`` older than the stored one changes nothing.

        Raises ``NotFound`` where there is no such product, unless a version says from when on there is none.
        """
        ...


class Search(Protocol):
    """The read path: a photo in, the shop's products out."""

    def search(self, query: SearchQuery) -> SearchAnswer: ...

    def similar(self, product_id: str, *, top_k: int = 20) -> SearchAnswer:
        """More like this, from the stored vector."""
        ...

    def look(self, query: SearchQuery) -> Look:
        """Complete the look: every piece of a photo with products of its own, ``query.top_k`` a piece.

        Of the query, ``box`` and ``category`` say nothing here. Raises ``InvalidArgument`` without a picture.
        """
        ...


class FeedbackLog(Protocol):
    """Keeps what shoppers were shown and what they did with it, for a ranker to learn from."""

    def shown(self, impression: Impression) -> None:
        """Keep what a search showed. Neither waits nor fails: what cannot be kept is counted."""
        ...

    def reacted(self, reaction: Reaction) -> None:
        """Returns once it is kept; the same one told again counts once. Raises ``Unavailable``."""
        ...


class UpdateSource(Protocol):
    """Where changes of the catalogue are told: one or more logs, each in order. Used by one thread."""

    def poll(self, timeout_s: float) -> Sequence[Message]:
        """What is new, oldest first within a log; empty where nothing came in time. May lose logs: ``on_lost`` was told."""
        ...

    def on_lost(self, tell: Callable[[Collection[str]], None]) -> None:
        """Whom to tell, within a ``poll``, of logs that another reader has taken over; what was ``reached`` there is committed."""
        ...

    def reached(self, offsets: Mapping[str, int]) -> None:
        """What may be committed by now, for a source that has to give a log up at a moment's notice. Costs nothing."""
        ...

    def commit(self, offsets: Mapping[str, int]) -> None:
        """By log, the offset that is next to be read after a restart: everything before it is in effect, durably."""
        ...

    def pause(self) -> None:
        """``poll`` brings nothing, and keeps the logs, until ``resume``."""
        ...

    def resume(self) -> None: ...

    def behind(self) -> Mapping[str, int]:
        """By log that is read here, how many messages were told by now and not yet polled. Raises ``Unavailable``."""
        ...


class DeadLetters(Protocol):
    """Where messages go that cannot be applied, so that they can be looked at, mended and told again."""

    def send(self, letter: DeadLetter) -> None:
        """Returns once the letter is kept durably. Raises ``Unavailable``."""
        ...


class Cache(Protocol):
    """Bytes by key. What is there is true for ever, but may be forgotten at any time; a cache that is away knows nothing."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes) -> None: ...
