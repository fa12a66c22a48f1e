"""Text as shops write it: encodings, HTML descriptions, prices and yes and no."""

from __future__ import annotations

import codecs
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

_BLOCKS: Final = frozenset(
    ("br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "section", "table", "td", "th", "tr", "ul")
)
_UNSEEN: Final = frozenset(("script", "style", "template"))
_LONGEST: Final = 20_000


def encoding_of(path: Path) -> str:
    """The encoding of a text file: by its byte order mark, else UTF-8 if it is that, else what Excel writes in the West."""
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def plain(html: str) -> str:
    """The text of an HTML description: a line a block, no markup, at most what a product may hold."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)[:_LONGEST]


def amount(text: str) -> float:
    """A number as people write prices: ``12.50``, ``1,234.50``, ``1.234,50``, ``12,5``, ``1 200``. Raises ``ValueError``."""
    digits = re.sub(r"[\s'’]", "", text)
    if not re.fullmatch(r"\d[\d.,]*", digits) or not digits.isascii():
        raise ValueError(f"{text!r} is not a price; write it as in 12.50")
    marks = re.findall(r"[.,]", digits)
    last = marks[-1] if marks else ""
    whole, _, rest = digits.rpartition(last) if last else ("", "", digits)
    # The last mark separates decimals unless it comes twice, or is a lone comma before three digits, as in 1,200.
    if last and marks.count(last) == 1 and (last == "." or len(marks) > 1 or len(rest) != 3):
        return float(f"{re.sub('[.,]', '', whole)}.{rest or 0}")
    return float(re.sub("[.,]", "", digits))


def price(text: str, currency: str | None = None) -> dict[str, Any]:
    """``12.50 EUR``, ``EUR 12.50``, or a bare number where ``currency`` is given. Raises ``ValueError``."""
    found = re.fullmatch(r"\s*(?P<before>[A-Za-z]{3})?\s*(?P<number>[\d][\d.,'’\s]*?)\s*(?P<after>[A-Za-z]{3})?\s*", text)
    code = (found["after"] or found["before"] or currency) if found else None
    if found is None or code is None:
        raise ValueError(f"{text!r} is not a price with its currency; write it as in 12.50 EUR")
    return {"amount": amount(found["number"]), "currency": code.upper()}


def listed(text: str, separator: str = ",") -> list[str]:
    """The parts of a list, each once, in order."""
    return list(dict.fromkeys(part.strip() for part in text.split(separator) if part.strip()))
