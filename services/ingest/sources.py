"""The bytes of a product's picture: sent along, fetched, or taken from the catalogue where its server says that nothing changed."""

from __future__ import annotations

import hashlib
import json
from typing import Protocol

from shoplens.domain import ImageSource
from shoplens.errors import InvalidArgument, NotFound, ShoplensError
from shoplens.fetcher import Fetched, Validators
from shoplens.images import content_hash
from shoplens.ports import Cache, Catalogue


class PictureSource(Protocol):
    """Where pictures given by address come from: ``shoplens.fetcher.Fetcher``, or a double."""

    def revisit(self, uri: str, validators: Validators) -> Fetched: ...


class Sources:
    """``cache`` remembers what servers said of their pictures' state."""

    def __init__(self, fetcher: PictureSource, catalogue: Catalogue, cache: Cache) -> None:
        self._fetcher = fetcher
        self._catalogue = catalogue
        self._cache = cache

    def content(self, source: ImageSource) -> bytes:
        """Raises ``InvalidArgument`` where the source has none, and what the fetcher raises."""
        if source.content is not None:
            return source.content
        if source.uri is None:
            raise InvalidArgument("It has neither content nor uri; send one of them.")
        return self._fetched(source.uri)

    def _fetched(self, uri: str) -> bytes:
        key = f"source:{hashlib.sha256(uri.encode()).hexdigest()}"
        validators, known = self._remembered(key)
        fetched = self._fetcher.revisit(uri, validators)
        if fetched.content is None and known is not None:
            return known
        if fetched.content is None:
            fetched = self._fetcher.revisit(uri, Validators())
        assert fetched.content is not None
        if fetched.validators != validators and fetched.validators.headers():
            state = {"etag": fetched.validators.etag, "last_modified": fetched.validators.last_modified}
            self._cache.set(key, json.dumps({**state, "content_hash": content_hash(fetched.content)}).encode())
        return fetched.content

    def _remembered(self, key: str) -> tuple[Validators, bytes | None]:
        """What the server said last, and the picture that it said it of; nothing where the catalogue has it no more."""
        kept = self._cache.get(key)
        if kept is None:
            return Validators(), None
        try:
            state = json.loads(kept)
            validators, wanted = Validators(state["etag"], state["last_modified"]), state["content_hash"]
            holder = next(iter(self._catalogue.holders([wanted]).get(wanted, ())), None)
            if holder is not None:
                return validators, self._catalogue.picture(holder.product_id, holder.image.id).content
        except (ValueError, KeyError, TypeError, NotFound):
            pass
        return Validators(), None


def named(source: ImageSource, error: ShoplensError) -> ShoplensError:
    """The same error, which says of which picture."""
    return type(error)(f"Picture {source.id!r}: {error.message}", retry_after_s=error.retry_after_s)
