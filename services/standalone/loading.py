"""What ``shoplens serve`` serves: the gateway's application over parts in this process, and the catalogue they start with."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI

from services.gateway.http import Credit, HttpSettings, create_app
from services.gateway.http.keys import KeyRing
from services.standalone.compose import Parts
from services.standalone.demo import load_demo
from services.standalone.feeds import Feed, Row, open_feed
from services.standalone.imports import Answer, answers, unchanged_in
from services.standalone.places import demo_cache
from services.standalone.terminal import Terminal
from shoplens.domain import ProductDraft
from shoplens.errors import Unavailable


@dataclass(slots=True)
class Loading:
    """How far the catalogue is loaded; the readiness check of that name."""

    total: int = 0
    loaded: int = 0
    finished: threading.Event = field(default_factory=threading.Event)

    def require(self) -> None:
        """Raises ``Unavailable`` until everything is loaded."""
        if not self.finished.is_set():
            raise Unavailable(f"The catalogue is being loaded ({self.loaded} of {self.total} products); try again shortly.")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the catalogue comes from: a feed, products at hand, or nothing."""

    feed: Feed | None = None
    drafts: tuple[ProductDraft, ...] = ()
    credits: tuple[Credit, ...] = ()

    def count(self) -> int:
        return self.feed.count() if self.feed is not None else len(self.drafts)

    def rows(self) -> Iterator[Row]:
        if self.feed is not None:
            return self.feed.rows()
        return (Row(number, draft.id, draft) for number, draft in enumerate(self.drafts, start=1))


def open_source(catalogue: str, *, currency: str, terminal: Terminal) -> Source:
    """What ``--catalogue`` names: ``demo``, ``none`` or a feed's path. Raises ``InvalidArgument`` and ``Unavailable``."""
    if catalogue == "none":
        return Source()
    if catalogue != "demo":
        return Source(open_feed(Path(catalogue), currency=currency))
    terminal.remark("Preparing the demo's photos, which are fetched once …")
    demo = load_demo(demo_cache())
    for reason in demo.missing:
        terminal.remark(f"The demo goes without some photos: {reason}")
    return Source(drafts=demo.drafts, credits=demo.credits)


def application(parts: Parts, loading: Loading, credits: Sequence[Credit], keys: KeyRing | None = None) -> FastAPI:
    """The gateway's application; ready once the catalogue is loaded too."""
    return create_app(
        search=parts.search,
        copies=parts.copies,
        ingest=parts.ingest,
        catalogue=parts.catalogue,
        fetcher=parts.fetcher,
        feedback_log=parts.feedback,
        readiness={**parts.readiness, "loading": loading.require},
        settings=HttpSettings.from_environment(),
        credits=credits,
        keys=keys,
    )


def load(parts: Parts, source: Source, loading: Loading, terminal: Terminal) -> list[Answer]:
    """Bring the catalogue up to its source; the rows that could not be."""
    loading.total = source.count()
    failed = []
    answered = answers(source.rows(), parts.ingest.put_many, skip=unchanged_in(parts.catalogue))
    for answer in terminal.progress(answered, total=loading.total, what="Loading the catalogue"):
        loading.loaded += 1
        if answer.error:
            failed.append(answer)
    loading.finished.set()
    terminal.bad_rows(failed)
    return failed
