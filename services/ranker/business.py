"""What the shop would rather sell, 0..1: what is in stock, and what it says of rating, popularity and margin.

The part's weight is bounded (a tenth of all at most), so that it orders equals and never buries the product that was asked for.
"""

from __future__ import annotations

from services.ranker.weights import BusinessSignals, Signal
from shoplens.domain import AttributeValue, ProductDetails

_UNKNOWN = 0.5


def business(details: ProductDetails, signals: BusinessSignals) -> float:
    """The weighted mean of the signals; one that the shop does not give counts half."""
    worth = signals.stock * details.in_stock
    total = signals.stock
    for name, signal in signals.signals.items():
        worth += signal.weight * _strength(details.attributes.get(name), signal)
        total += signal.weight
    return worth / total if total else _UNKNOWN


def _strength(value: AttributeValue | None, signal: Signal) -> float:
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return _UNKNOWN
    try:
        number = float(value)
    except ValueError:
        return _UNKNOWN
    # Written so that "nan" falls to the middle, too.
    share = (number - signal.low) / (signal.high - signal.low)
    return min(max(share, 0.0), 1.0) if share == share else _UNKNOWN
