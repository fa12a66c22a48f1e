"""A folder of pictures: each is a product, called by its file's name, in the category that its sub-folder names.

``manifest.csv`` in the folder says more, where there is one: a row a picture, with ``file`` and any of ``product_id``, ``title``,
``description``, ``category``, ``brand``, ``price``, ``currency``, ``in_stock`` and ``url``; other columns are attributes. Rows
with one ``product_id`` that follow each other are one product with several pictures. Then only what it lists is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from services.standalone.feeds.rows import Row, bad_row, row
from services.standalone.feeds.tables import Record, Table
from services.standalone.feeds.texts import plain, price

MANIFEST: Final = "manifest.csv"
PICTURES: Final = frozenset((".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"))

_TEXTS: Final = ("title", "category", "brand", "url")
_OWN: Final = frozenset((*_TEXTS, "product_id", "file", "description", "price", "currency", "in_stock"))
_NO: Final = frozenset(("no", "false", "0", "out of stock", "n"))


def recognises(columns: Sequence[str]) -> bool:
    return "file" in columns


def read(folder: Path) -> Iterator[Row]:
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())
    for number, file in enumerate(files, start=1):
        title = re.sub(r"[\s_-]+", " ", file.stem).strip()
        yield row(
            number,
            {
                "product_id": file.with_suffix("").as_posix(),
                "title": title[:1].upper() + title[1:],
                "category": "" if file.parent == Path() else file.parent.as_posix(),
                "images": [{"id": "1", "uri": file.as_posix()}],
            },
        )


def read_manifest(table: Table, currency: str) -> Iterator[Row]:
    for _, group in groupby(table.records(), key=_same_product):
        records = list(group)
        first = records[0]
        product_id = first["product_id"] or _named_after(first["file"])
        if first.problem:
            yield bad_row(first.line, first.problem)
        elif not all(record["file"] for record in records):
            yield bad_row(first.line, "The row names no file; give the picture's name, relative to the manifest.", product_id)
        else:
            try:
                yield row(first.line, _document(product_id, records, currency))
            except ValueError as error:
                yield bad_row(first.line, f"The product will not do: price: {error}.", product_id)


def _named_after(file: str) -> str:
    """The picture's name without its ending; a name that is none, as of a folder, stays as it is and is refused later."""
    path = Path(file)
    return path.with_suffix("").as_posix() if path.name else file


def _same_product(record: Record) -> tuple[object, ...]:
    return (record["product_id"],) if record["product_id"] and not record.problem else (record.line,)


def _document(product_id: str, records: Sequence[Record], currency: str) -> dict[str, Any]:
    """Raises ``ValueError`` where the price cannot be read."""
    first = records[0]
    return {
        **{name: first[name] for name in _TEXTS},
        "product_id": product_id,
        "description": plain(first["description"]),
        "price": price(first["price"], first["currency"] or currency) if first["price"] else None,
        "in_stock": first["in_stock"].lower() not in _NO,
        "attributes": {name: value for name, value in first.cells.items() if name not in _OWN and value},
        "images": [{"id": str(place), "uri": record["file"]} for place, record in enumerate(records, start=1)],
    }
