"""A Google Merchant Center feed as XML: the items of RSS 2.0 or the entries of Atom, read as a stream.

XML comes from strangers: entities are refused (``defusedxml``), and nothing but one item is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml import DefusedXmlException
from defusedxml.sax import make_parser

from services.standalone.feeds.merchant import Item

_BLOCK_BYTES: Final = 64 * 1024


def read(path: Path) -> Iterator[Item]:
    """The items up to the end, or up to where the file is broken, which is the last item's problem."""
    parser = make_parser()
    items = _Items(parser)
    parser.setContentHandler(items)
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK_BYTES):
                parser.feed(block)
                yield from items.take()
            parser.close()
        except SAXParseException as error:
            yield from items.take()
            yield Item(error.getLineNumber() or 1, {}, f"The XML is broken here ({error.getMessage()}); what follows was not read.")
        except DefusedXmlException:
            yield from items.take()
            yield Item(1, {}, "The XML declares entities, which are not read; export it without them.")
        else:
            if not items.found:
                yield Item(1, {}, "There is no item in this XML; give an RSS 2.0 or Atom feed of products.")


class _Items(ContentHandler):
    """Collects the direct children of each item; deeper elements (shipping and its price) are not the item's own."""

    def __init__(self, locator: Locator) -> None:
        super().__init__()
        self._locator = locator
        self.found = 0
        self._done: list[Item] = []
        self._line = 0
        self._depth = 0
        self._text: list[str] = []
        self._own: dict[str, list[str]] = {}
        self._plain: dict[str, list[str]] = {}

    def take(self) -> list[Item]:
        done, self._done = self._done, []
        return done

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX names it
        if self._depth:
            self._depth += 1
            self._text = []
            if self._depth == 2 and name == "link" and attrs.get("rel", "alternate") == "alternate" and "href" in attrs:
                self._plain.setdefault("link", []).append(attrs["href"].strip())
        elif name in ("item", "entry"):
            self._depth, self._own, self._plain = 1, {}, {}
            self._line = self._locator.getLineNumber() or 1

    def characters(self, content: str) -> None:
        self._text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802
        if self._depth == 2:
            prefix, _, plain_name = name.rpartition(":")
            # Google's own element (g:title) counts before the feed's (title), Atom's id above all.
            values = self._own if prefix else self._plain
            values.setdefault("description" if plain_name == "summary" else plain_name, []).append("".join(self._text).strip())
        elif self._depth == 1:
            self.found += 1
            self._done.append(Item(self._line, self._plain | self._own))
        self._text = []
        self._depth = max(0, self._depth - 1)
