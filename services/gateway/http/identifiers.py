"""Ids in addresses. A shop's ids are its own: they may hold slashes, spaces, quotes or any script.

An id is one path segment, percent-encoded. Servers hand applications a *decoded* path, in which ``a%2Fsimilar`` and
``a/similar`` look alike, so :class:`EncodedPath` gives the router the segments as they were sent, in one canonical
encoding, and :func:`decoded` turns a captured segment into the id.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.http.refusals import InvalidField
from shoplens.products import MAX_ID_BYTES

_UNRESERVED = ":@!$&'()*+,;="
"""Beside letters, digits and ``-._~``, what a path segment may hold as it is (RFC 3986)."""


class EncodedPath:
    """ASGI middleware: the router matches the path as sent, each segment canonically percent-encoded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes | None = scope.get("raw_path") if scope["type"] == "http" else None
        if raw:
            # In place: what the router notes in the scope (the route) is read again by the layers above.
            scope["path"] = "/".join(quote_from_bytes(unquote_to_bytes(part), safe=_UNRESERVED) for part in raw.split(b"/"))
        await self._app(scope, receive, send)


def checked(name: str, value: str) -> str:
    """The id, if it is one that :mod:`shoplens.products` takes. Raises ``InvalidField``."""
    hidden = any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
    if hidden or not 0 < len(value.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES or value in (".", ".."):
        raise InvalidField(name, f"send an id of 1 to {MAX_ID_BYTES} bytes of text without control characters, and not a lone . or ..")
    return value


def decoded(name: str, segment: str) -> str:
    """The id that a path segment stands for. Raises ``InvalidField``."""
    try:
        return checked(name, unquote_to_bytes(segment).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidField(name, "an id is not UTF-8 under its percent-encoding; encode it as UTF-8 first.") from error


def picture_address(product_id: str, image_id: str) -> str:
    """Where a catalogue picture is shown, relative to the server."""
    return f"/v1/products/{quote(product_id, safe='')}/images/{quote(image_id, safe='')}"


def _segment(description: str, example: str) -> Any:
    return Path(description=f"{description} Percent-encoded; a slash inside it is `%2F`.", examples=[example])


ProductId = Annotated[
    str, _segment("The shop's own id of the product.", "SKU-1042"), AfterValidator(lambda value: decoded("product_id", value))
]
ImageId = Annotated[
    str, _segment("The picture's id within the product.", "front"), AfterValidator(lambda value: decoded("image_id", value))
]
