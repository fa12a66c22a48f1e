"""``create_app``: the HTTP application, made of the ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.gateway.http import openapi, problems
from services.gateway.http.access import Access
from services.gateway.http.credits import Credit
from services.gateway.http.identifiers import EncodedPath
from services.gateway.http.keys import KeyRing
from services.gateway.http.parts import Fetcher, Parts
from services.gateway.http.readiness import TIMEOUT_S as PROBE_S
from services.gateway.http.readiness import Readiness
from services.gateway.http.requests import Requests
from services.gateway.http.routes import copies as copying
from services.gateway.http.routes import events, feedback, imports, operations, page, pictures, products
from services.gateway.http.routes import search as searching
from services.gateway.http.settings import HttpSettings
from services.gateway.http.thumbnails import Thumbnails
from services.gateway.http.uploads import BodyLimit
from services.gateway.http.workers import Turns, Workers
from shoplens.ports import CatalogueReader, CopySearch, FeedbackLog, Ingest, Search

FEEDBACK_BYTES = 16_384

FORM_BYTES = 200_000
"""What a search's form may weigh beside its picture."""


def create_app(
    *,
    search: Search,
    copies: CopySearch,
    ingest: Ingest,
    catalogue: CatalogueReader,
    fetcher: Fetcher,
    feedback_log: FeedbackLog,
    readiness: Mapping[str, Callable[[], None]],
    settings: HttpSettings,
    optional: Collection[str] = (),
    credits: Sequence[Credit] = (),
    keys: KeyRing | None = None,
) -> FastAPI:
    """The application. ``readiness``: checks by part, each of which raises while its part is not ready.

    optional: parts among them that searches can go without.

    keys: in place of those that the settings name.
    """
    parts = Parts(
        search=search,
        copies=copies,
        ingest=ingest,
        catalogue=catalogue,
        fetcher=fetcher,
        feedback=feedback_log,
        readiness=Readiness(readiness, optional),
        settings=settings,
        credits=tuple(credits),
        thumbnails=Thumbnails(settings.thumbnail_cache_bytes),
        searches=Workers(
            "search", at_once=settings.searches_at_once, waiting=settings.searches_waiting, timeout_s=settings.search_timeout_s
        ),
        writes=Workers("write", at_once=settings.writes_at_once, waiting=settings.writes_waiting, timeout_s=settings.write_timeout_s),
        reads=Workers("read", at_once=settings.reads_at_once, waiting=settings.reads_waiting, timeout_s=settings.read_timeout_s),
        imports=Workers("import", at_once=settings.imports_at_once, waiting=settings.imports_at_once, timeout_s=settings.write_timeout_s),
        probes=Workers("probe", at_once=2, waiting=16, timeout_s=PROBE_S),
        import_turns=Turns(settings.imports_at_once),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        parts.close()

    # The pages that FastAPI makes of the OpenAPI document load from other hosts; /docs is our own.
    app = FastAPI(**openapi.ABOUT, docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False)
    app.state.parts = parts
    for routes in (searching, copying, feedback, products, imports, events, pictures, operations, page):
        app.include_router(routes.router)
    problems.install(app)
    openapi.install(app)
    # The last one added is the outermost.
    app.add_middleware(EncodedPath)
    app.add_middleware(
        Access,
        ring=keys or KeyRing(settings.keys),
        search_needs_key=settings.search_needs_key,
        public_per_minute=settings.public_per_minute,
    )
    app.add_middleware(BodyLimit, limit=_limits(settings), max_drained_bytes=settings.max_drained_bytes)
    app.add_middleware(Requests)
    return app


def _limits(settings: HttpSettings) -> Callable[[str], int]:
    by_path = {
        "/v1/search": settings.max_picture_bytes + FORM_BYTES,
        "/v1/looks": settings.max_picture_bytes + FORM_BYTES,
        "/v1/copies": settings.max_picture_bytes + FORM_BYTES,
        "/v1/products:import": settings.max_import_bytes,
        "/v1/feedback": FEEDBACK_BYTES,
        "/v1/events": settings.max_import_bytes,
        "/v1/products%3Aimport": settings.max_import_bytes,
    }
    return lambda path: by_path.get(path, settings.max_product_bytes)
