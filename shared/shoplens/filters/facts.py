"""What of a product a filter can compare.

Shops are sloppy about case and about what is a number ("42" in a CSV feed), so texts are compared without regard to case
and to spaces around them, and a text that reads as a number is one, too.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from shoplens.domain import AttributeValue, Product
from shoplens.taxonomy import taxonomy


@dataclass(frozen=True, slots=True)
class Facts:
    """texts: (field, folded text). numbers: (field, number). A field may have several: a list, a category and its group."""

    texts: frozenset[tuple[str, str]]
    numbers: frozenset[tuple[str, float]]


def facts(product: Product) -> Facts:
    """A category is the shop's own name, each part of its path, and the taxonomy's leaf and group."""
    texts: set[tuple[str, str]] = set()
    numbers: set[tuple[str, float]] = set()
    details = product.details
    texts |= {("product_id", folded(product.id)), ("in_stock", _bool_text(details.in_stock))}
    texts |= {(name, folded(text)) for name, text in (("title", details.title), ("brand", details.brand)) if text}
    texts |= {("category", folded(name)) for name in _categories(product)}
    if details.price is not None:
        numbers.add(("price", float(details.price.amount)))
        texts.add(("currency", folded(details.price.currency)))
    for name, value in details.attributes.items():
        field = f"attributes.{folded(name)}"
        for each in _values(value):
            text = _bool_text(each) if isinstance(each, bool) else str(each)
            texts.add((field, folded(text)))
            number = _number(each)
            if number is not None:
                numbers.add((field, number))
    return Facts(frozenset(texts), frozenset(numbers))


def folded(text: str) -> str:
    """A text as it is compared."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _categories(product: Product) -> Iterator[str]:
    shop = product.details.category
    if shop:
        yield shop
        yield from (part for part in shop.replace(">", "/").replace("|", "/").split("/") if part.strip())
    yield product.node
    yield taxonomy().group(product.node)


def _values(value: AttributeValue) -> tuple[str | int | float | bool, ...]:
    return (value,) if isinstance(value, str | int | float) else tuple(value)


def _bool_text(value: bool) -> str:
    return "true" if value else "false"


def _number(value: str | float | bool) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
