"""How well a product meets what the shopper wrote: a colour, a sleeve, a pattern.

A shop's own word counts most ("colour: navy"); where it says nothing, colours are told by their signature, and an attribute
is worth half, so that silence is better than a contradiction and worse than a match.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shoplens.domain import ProductDetails, Vector, Wish
from shoplens.lexicon import COLOUR, Lexicon, Mentions

_UNKNOWN = 0.5
_SAID = 0.6
"""Of a colour's agreement, how much is the shop's word for it; the rest is what the picture shows."""


class Wishes:
    """What one query's wish is worth in each product."""

    def __init__(self, wish: Wish, palette: Mapping[str, Vector], lexicon: Lexicon, weights: Mapping[str, float]) -> None:
        """``weights``: by attribute, how much it counts beside the others; 1 where nothing is said."""
        self._wish = wish
        self._lexicon = lexicon
        self._weights = weights
        known = [palette[name] for name in wish.colours if name in palette]
        self._targets = np.stack(known) if known else None

    @property
    def names_colour(self) -> bool:
        return bool(self._wish.colours)

    @property
    def names_attributes(self) -> bool:
        return bool(self._wish.attributes or self._wish.unlike)

    def mentions(self, details: ProductDetails) -> Mentions:
        """What is to be known of a product for the rest."""
        return self._lexicon.mentions(details) if self.names_colour or self.names_attributes else {}

    def colour(self, seen: Vector, mentions: Mentions) -> float:
        """How well a product's colour is the one wished for, 0..1; ``seen``: the colour signature of its picture."""
        shown = _UNKNOWN if self._targets is None else min(max(float((self._targets @ seen).max()), 0.0), 1.0)
        if COLOUR not in mentions:
            return shown
        return _SAID * self._lexicon.agreement(COLOUR, self._wish.colours, mentions[COLOUR]) + (1 - _SAID) * shown

    def attributes(self, mentions: Mentions) -> float:
        """How well a product's attributes are those wished for, 0..1."""
        total = worth = 0.0
        for attribute, values in self._wish.attributes.items():
            weight = self._weights.get(attribute, 1.0)
            said = mentions.get(attribute)
            worth += weight * (_UNKNOWN if said is None else self._lexicon.agreement(attribute, values, said))
            total += weight
        for attribute, values in self._wish.unlike.items():
            weight = self._weights.get(attribute, 1.0)
            said = mentions.get(attribute)
            worth += weight * (_UNKNOWN if said is None else 1.0 - self._lexicon.agreement(attribute, values, said))
            total += weight
        return worth / total if total else _UNKNOWN
