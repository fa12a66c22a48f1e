"""What every reader yields: a row of a feed, good or bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shoplens.domain import ProductDraft
from shoplens.errors import InvalidArgument
from shoplens.products import parse_product


@dataclass(frozen=True, slots=True)
class Row:
    """A product of a feed, or what is wrong with it. ``line`` is where it begins, from 1 (in a folder, the file's number)."""

    line: int
    product_id: str
    result: ProductDraft | InvalidArgument


Reader = Callable[[], Iterator[Row]]


def row(line: int, document: Mapping[str, Any]) -> Row:
    """The row of a product's JSON document; ``product_id`` stands in it."""
    named = document.get("product_id")
    product_id = named if isinstance(named, str) else ""
    try:
        return Row(line, product_id, parse_product(None, document))
    except InvalidArgument as error:
        return Row(line, product_id, error)


def bad_row(line: int, message: str, product_id: str = "") -> Row:
    return Row(line, product_id, InvalidArgument(message))
