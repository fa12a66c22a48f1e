"""What is shown once, and what gives way to something else.

Copies of one picture are one result; so are the colours and sizes of one style, of which the best stands for the others.
Beyond that a weight lets likes give way (maximal marginal relevance, Carbonell and Goldstein 1998).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.ranker.weights import Styles
from shoplens.domain import ProductDetails, Result, Variant, Vector

MOST_VARIANTS = 12
_ORDERED_BEYOND = 3
"""Results that may come forward for variety's sake, for each result wanted."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A result on its way into the answer. picture: names its picture and all its copies. style: empty where it has none."""

    result: Result
    picture: str
    style: str
    colour: Vector


def style_of(details: ProductDetails, styles: Styles) -> str:
    """The name of a product's style; empty where the shop gives none."""
    value = details.attributes.get(styles.attribute)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def folded(ranked: Sequence[Shown]) -> list[Shown]:
    """Best first, each picture and each style once; a result names the copies and the variants that it stands for."""
    kept: list[Shown] = []
    by_picture: dict[str, int] = {}
    by_style: dict[str, int] = {}
    for shown in ranked:
        place = by_picture.get(shown.picture)
        if place is not None:
            result = kept[place].result
            kept[place] = replace(kept[place], result=replace(result, duplicates=(*result.duplicates, shown.result.product_id)))
            continue
        place = by_style.get(shown.style) if shown.style else None
        if place is not None:
            result = kept[place].result
            if len(result.variants) < MOST_VARIANTS:
                kept[place] = replace(kept[place], result=replace(result, variants=(*result.variants, _variant(shown.result))))
            by_picture[shown.picture] = place
            continue
        by_picture[shown.picture] = by_style[shown.style] = len(kept)
        kept.append(shown)
    return kept


def varied(ranked: Sequence[Shown], weight: float, most: int) -> list[Shown]:
    """The best ``most``, in an order in which likes give way; all as it was where the weight is 0."""
    if weight <= 0:
        return list(ranked[:most])
    waiting = list(ranked[: most * _ORDERED_BEYOND])
    likest = [0.0] * len(waiting)
    penalty = weight / (1.0 + weight)
    chosen: list[Shown] = []
    while waiting and len(chosen) < most:
        best = max(range(len(waiting)), key=lambda place: (1 - penalty) * waiting[place].result.score - penalty * likest[place])
        taken = waiting.pop(best)
        likest.pop(best)
        chosen.append(taken)
        likest = [max(before, _likeness(taken, other)) for before, other in zip(likest, waiting, strict=True)]
    return chosen


def _likeness(one: Shown, other: Shown) -> float:
    """0..1: kind, maker and colours."""
    kind = one.result.node == other.result.node
    brand = bool(one.result.details.brand) and one.result.details.brand == other.result.details.brand
    colour = min(max(float(one.colour @ other.colour), 0.0), 1.0)
    return 0.25 * kind + 0.25 * brand + 0.5 * colour


def _variant(result: Result) -> Variant:
    return Variant(result.product_id, result.image_id, result.details.title, _colour_said(result.details.attributes))


def _colour_said(attributes: Mapping[str, object]) -> str:
    for name in ("colour", "color"):
        value = attributes.get(name)
        if isinstance(value, str):
            return value
    return ""
