"""An item of a Google Merchant Center feed becomes a product, whether it came as text or as XML.

Items that differ by size alone (one ``item_group_id``, one picture, one after the other) are one product: a photo cannot tell them
apart. Attributes: https://support.google.com/merchants/answer/7052112
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from services.standalone.feeds.rows import Row, bad_row, row
from services.standalone.feeds.tables import Table
from services.standalone.feeds.texts import listed, plain, price

_ATTRIBUTES: Final = ("color", "size", "material", "pattern", "gender", "age_group", "condition", "gtin", "mpn", "item_group_id")


@dataclass(frozen=True, slots=True)
class Item:
    """``values``: each attribute of Google's, in lower case with underscores, with what it was given, in order."""

    line: int
    values: Mapping[str, Sequence[str]]
    problem: str = ""

    def __getitem__(self, name: str) -> str:
        return next((value for value in self.values.get(name, ()) if value), "")


def recognises(columns: Sequence[str]) -> bool:
    return "id" in columns and "image_link" in columns


def read_table(table: Table, currency: str) -> Iterator[Row]:
    items = (Item(record.line, {name: [cell] for name, cell in record.cells.items()}, record.problem) for record in table.records())
    return products(items, currency)


def products(items: Iterable[Item], currency: str) -> Iterator[Row]:
    """The rows of a feed's items; ``currency`` is meant where a price names none."""
    for _, group in groupby(items, key=_same_look):
        variants = list(group)
        first = variants[0]
        if first.problem:
            yield bad_row(first.line, first.problem, first["id"])
            continue
        try:
            yield row(first.line, _document(variants, currency))
        except ValueError as error:
            yield bad_row(first.line, f"The item will not do: {error}.", first["id"])


def _same_look(item: Item) -> tuple[object, ...]:
    group = item["item_group_id"]
    return (group, item["image_link"]) if group and not item.problem else (item.line, item["id"])


def _document(variants: Sequence[Item], currency: str) -> dict[str, Any]:
    """Raises ``ValueError`` where a value cannot be read."""
    first = variants[0]
    for needed in ("id", "image_link"):
        if not first[needed]:
            raise ValueError(f"{needed} is empty; every item needs it")
    attributes: dict[str, Any] = {name: first[name] for name in _ATTRIBUTES if first[name]}
    if len(variants) > 1:
        sizes = list(dict.fromkeys(item["size"] for item in variants if item["size"]))
        attributes |= ({"size": sizes} if sizes else {}) | {"variant_ids": [item["id"] for item in variants]}
    pictures = [first["image_link"], *(uri for value in first.values.get("additional_image_link", ()) for uri in listed(value))]
    return {
        "product_id": first["id"],
        "title": first["title"],
        "description": plain(first["description"]),
        # A category of Google's may be its bare number, which says nothing to a shopper.
        "category": first["product_type"] or ("" if first["google_product_category"].isdecimal() else first["google_product_category"]),
        "brand": first["brand"],
        "price": _price(first, currency),
        "in_stock": any(_available(item) for item in variants),
        "url": first["link"],
        "attributes": attributes,
        "images": [
            {"id": str(place), "uri": uri, "page_url": first["link"] or None} for place, uri in enumerate(dict.fromkeys(pictures), start=1)
        ],
    }


def _price(item: Item, currency: str) -> dict[str, Any] | None:
    text = item["sale_price"] if item["sale_price"] and _on_sale(item["sale_price_effective_date"]) else item["price"]
    return price(text, currency) if text else None


def _on_sale(dates: str) -> bool:
    """Whether now lies within ``start/end``; a sale without dates is on."""
    if not dates:
        return True
    start, _, end = dates.partition("/")
    try:
        bounds = [datetime.fromisoformat(moment.strip()) for moment in (start, end)]
    except ValueError as error:
        raise ValueError(f"sale_price_effective_date {dates!r} is not two times with a slash between") from error
    begin, finish = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in bounds)
    return begin <= datetime.now(UTC) <= finish


def _available(item: Item) -> bool:
    return item["availability"].replace("_", " ").lower() in ("in stock", "")
