"""``shoplens search`` and ``copies``: a photo against a running server's catalogue, or against a data folder's."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from services.standalone.server import RemoteShop
from services.standalone.settings import StandaloneSettings
from shoplens import log
from shoplens.domain import CopyOrder, CopyQuery, SearchQuery
from shoplens.errors import InvalidArgument
from shoplens.filters import parse
from shoplens.images import decode
from shoplens.taxonomy import taxonomy


def search_photo(
    photo: Path, target: str | StandaloneSettings, *, top_k: int, category: str | None = None, text: str = "", only: str = ""
) -> dict[str, Any]:
    """The answer as ``POST /v1/search`` gives it. ``target``: a server's address, or the settings of a data folder."""
    content = photo_content(photo)
    if isinstance(target, str):
        with RemoteShop(target) as server:
            form = {"top_k": str(top_k), "category": category or "", "text": text, "filter": only}
            return server.search(content, {name: value for name, value in form.items() if value})
    query = SearchQuery(
        picture=decode(content),
        category=None if category is None else taxonomy().node(category),
        top_k=top_k,
        text=text,
        only=parse(only) if only else None,
    )
    # Only here: loading the models takes seconds that a remote search need not wait for.
    from services.gateway.http.search_schemas import SearchOut
    from services.standalone.compose import compose

    log.configure(level="WARNING", service="standalone")
    with compose(target) as parts:
        answer = parts.search.search(query)
        return SearchOut.of(answer, request_id=answer.request_id, explain=False).model_dump(mode="json")


def find_copies(photo: Path, target: str | StandaloneSettings, *, order: CopyOrder, top_k: int) -> dict[str, Any]:
    """The answer as ``POST /v1/copies`` gives it. ``target`` as of :func:`search_photo`."""
    content = photo_content(photo)
    if isinstance(target, str):
        with RemoteShop(target) as server:
            return server.copies(content, order=order, top_k=top_k)
    query = CopyQuery(decode(content), order, top_k)
    from services.gateway.http.copy_schemas import CopiesOut
    from services.standalone.compose import compose

    log.configure(level="WARNING", service="standalone")
    with compose(target) as parts:
        return CopiesOut.of(parts.copies.copies(query), request_id=uuid.uuid4().hex).model_dump(mode="json")


def photo_content(photo: Path) -> bytes:
    """A file's bytes. Raises InvalidArgument where it cannot be read."""
    try:
        return photo.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{photo} cannot be read ({error.strerror}); give the path of a photo.") from error
