"""Which kind of feed a file is, told by what stands in it rather than by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from services.standalone.feeds import folder, merchant, merchant_xml, ndjson, parquet, shopify
from services.standalone.feeds.pictures import with_content
from services.standalone.feeds.rows import Reader, Row
from services.standalone.feeds.tables import Table
from services.standalone.feeds.texts import encoding_of
from shoplens.errors import InvalidArgument

_KNOWN: Final = "NDJSON, Parquet, a Shopify product CSV, a Google Merchant Center feed (TSV, CSV or XML), or a folder of pictures"
_BINARY: Final = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"SQLite")


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that was recognised. ``format`` is its name for people; pictures beside it are read from ``home``."""

    format: str
    home: Path
    _read: Reader

    def rows(self) -> Iterator[Row]:
        """Every product, pictures beside the feed included; a bad one as the reason why. Raises ``OSError``."""
        return (with_content(row, self.home) for row in self._read())

    def references(self) -> Iterator[Row]:
        """Every product, pictures beside the feed by their names. Raises ``OSError``."""
        return self._read()

    def count(self) -> int:
        """How many rows there are, without touching a picture."""
        return sum(1 for _ in self._read())


def open_feed(path: Path, *, currency: str = "USD") -> Feed:
    """Recognise the feed at ``path``; ``currency`` is meant where it names none. Raises ``InvalidArgument``."""
    try:
        if path.is_dir():
            return _open_folder(path, currency)
        return _open_file(path, currency)
    except FileNotFoundError as error:
        raise InvalidArgument(f"There is no {path}; check the name.") from error
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read ({error.strerror}); check its permissions.") from error


def _open_folder(path: Path, currency: str) -> Feed:
    manifest = path / folder.MANIFEST
    if manifest.is_file():
        return _open_file(manifest, currency)
    return Feed("a folder of pictures", path, partial(folder.read, path))


def _open_file(path: Path, currency: str) -> Feed:
    with path.open("rb") as file:
        first = file.read(8)
        if first.startswith(parquet.MAGIC):
            return Feed("Parquet", path.parent, partial(parquet.read, path))
        if first.startswith(_BINARY):
            raise InvalidArgument(f"{path} is no text; unpack or export it as {_KNOWN}.")
    with path.open(encoding=encoding_of(path), errors="replace") as text:
        start = text.read(4096).lstrip()
    match start[:1]:
        case "":
            raise InvalidArgument(f"{path} is empty; give {_KNOWN}.")
        case "{":
            return Feed("NDJSON", path.parent, partial(ndjson.read, path))
        case "[":
            raise InvalidArgument(f"{path} is one JSON list; write one product a line instead (NDJSON).")
        case "<":
            return Feed("a Google Merchant Center feed (XML)", path.parent, lambda: merchant.products(merchant_xml.read(path), currency))
    return _open_table(path, currency)


def _open_table(path: Path, currency: str) -> Feed:
    try:
        table = Table(path)
    except ValueError as error:
        raise InvalidArgument(f"{path} is none of the feeds that are read ({error}); give {_KNOWN}.") from error
    if shopify.recognises(table.columns):
        return Feed("a Shopify product CSV", path.parent, partial(shopify.read, table, currency))
    if merchant.recognises(table.columns):
        return Feed("a Google Merchant Center feed (text)", path.parent, partial(merchant.read_table, table, currency))
    if folder.recognises(table.columns):
        return Feed("a manifest of pictures", path.parent, partial(folder.read_manifest, table, currency))
    seen = ", ".join(table.columns[:8])
    raise InvalidArgument(f"{path} is none of the feeds that are read (its columns: {seen}); give {_KNOWN}.")
