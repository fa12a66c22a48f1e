"""What the routes work with: the ports, and threads to call them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from services.gateway.http.credits import Credit
from services.gateway.http.readiness import Readiness
from services.gateway.http.settings import HttpSettings
from services.gateway.http.thumbnails import Thumbnails
from services.gateway.http.workers import Turns, Workers
from shoplens.ports import CatalogueReader, CopySearch, FeedbackLog, Ingest, Search


class Fetcher(Protocol):
    """Gets a picture by its address; refuses addresses that a stranger may not make us fetch."""

    def fetch(self, address: str, /) -> bytes:
        """Raises ``ForbiddenAddress``, ``PictureTooLarge``, ``InvalidArgument`` and ``Unavailable``."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """One of these for an app. Each kind of work has threads of its own, so that none starves another."""

    search: Search
    copies: CopySearch
    ingest: Ingest
    catalogue: CatalogueReader
    fetcher: Fetcher
    feedback: FeedbackLog
    readiness: Readiness
    settings: HttpSettings
    credits: Sequence[Credit]
    thumbnails: Thumbnails
    searches: Workers
    writes: Workers
    reads: Workers
    imports: Workers
    probes: Workers
    import_turns: Turns

    def close(self) -> None:
        for workers in (self.searches, self.writes, self.reads, self.imports, self.probes):
            workers.close()


async def _parts(request: Request) -> Parts:
    # Not that it waits for anything: a dependency that is no coroutine is called in a thread.
    return cast(Parts, request.app.state.parts)


Given = Annotated[Parts, Depends(_parts)]
"""A route's parameter that receives the parts."""
