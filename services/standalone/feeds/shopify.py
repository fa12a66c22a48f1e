"""A Shopify product export (CSV): several rows with one handle are one product, its variants and its pictures.

Read with the column names of both generations of the export. The file names no currency, so the caller does. Products that are
drafts or archived are not for sale and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from services.standalone.feeds.rows import Row, bad_row, row
from services.standalone.feeds.tables import Record, Table
from services.standalone.feeds.texts import amount, listed, plain

_NEWER: Final = {
    "handle": "url_handle",
    "body_html": "description",
    "product_category": "product_category",
    "variant_price": "price",
    "variant_inventory_qty": "inventory_quantity",
    "variant_inventory_tracker": "inventory_tracker",
    "variant_inventory_policy": "continue_selling_when_out_of_stock",
    "image_src": "product_image_url",
    "image_position": "image_position",
    "variant_image": "variant_image_url",
}
"""What the export calls a column since 2024, by its name before."""


def recognises(columns: Sequence[str]) -> bool:
    return ("handle" in columns or "url_handle" in columns) and "title" in columns


def read(table: Table, currency: str) -> Iterator[Row]:
    for (_, problem), group in groupby(table.records(), key=lambda record: (_cell(record, "handle"), record.problem)):
        records = list(group)
        if problem:
            yield from (bad_row(record.line, problem) for record in records)
        elif _cell(records[0], "status").lower() not in ("draft", "archived"):
            yield _product(records, currency)


def _product(records: Sequence[Record], currency: str) -> Row:
    first = records[0]
    handle = _cell(first, "handle")
    if not handle:
        return bad_row(first.line, "The row has no handle; give it the handle of its product.")
    try:
        prices = [amount(text) for text in (_cell(record, "variant_price") for record in records) if text]
    except ValueError as error:
        return bad_row(first.line, f"The product will not do: variant price: {error}.", handle)
    document: dict[str, Any] = {
        "product_id": handle,
        "title": _cell(first, "title"),
        "description": plain(_cell(first, "body_html")),
        "category": _cell(first, "type") or _cell(first, "product_category"),
        "brand": _cell(first, "vendor"),
        "price": {"amount": min(prices), "currency": currency} if prices else None,
        "in_stock": any(_in_stock(record) for record in records if _is_variant(record)) or not any(map(_is_variant, records)),
        "attributes": _attributes(records),
        "images": [{"id": str(place), "uri": uri} for place, uri in enumerate(_pictures(records), start=1)],
    }
    if not document["images"]:
        return bad_row(first.line, "The product has no picture; give at least one Image Src.", handle)
    return row(first.line, document)


def _cell(record: Record, column: str) -> str:
    return record[column] or record[_NEWER.get(column, column)]


def _is_variant(record: Record) -> bool:
    """A row without price and option carries a picture only."""
    return bool(_cell(record, "variant_price") or record["option1_value"])


def _in_stock(record: Record) -> bool:
    """A variant can be bought if its stock is not tracked, is above none, or may be oversold."""
    if not _cell(record, "variant_inventory_tracker") or _cell(record, "variant_inventory_policy").lower() in ("continue", "true"):
        return True
    try:
        return amount(_cell(record, "variant_inventory_qty") or "0") > 0
    except ValueError:  # a negative stock: oversold
        return False


def _attributes(records: Sequence[Record]) -> dict[str, list[str]]:
    attributes: dict[str, list[str]] = {}
    for option in ("option1", "option2", "option3"):
        name = records[0][f"{option}_name"]
        values = list(dict.fromkeys(value for value in (record[f"{option}_value"] for record in records) if value))
        if name and values and values != ["Default Title"]:
            attributes[name] = values
    tags = listed(records[0]["tags"])
    return attributes | ({"tags": tags} if tags else {})


def _pictures(records: Sequence[Record]) -> list[str]:
    """Addresses in the shop's order, each once; a variant's own picture after those."""

    def position(record: Record) -> tuple[int, int]:
        told = _cell(record, "image_position")
        return (int(told) if told.isdecimal() else 1_000_000, record.line)

    shown = [_cell(record, "image_src") for record in sorted(records, key=position)]
    worn = [_cell(record, "variant_image") for record in records]
    return list(dict.fromkeys(address for address in (*shown, *worn) if address))
