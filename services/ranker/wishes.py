"""How well a product meets what the shopper wrote: a colour, a sleeve, a pattern.

A wish is met or it is not: among the red things none is redder, and looks decide again. Where the photo itself is of the colour
wished for, its shade is what is meant.

A shop's own word counts most ("colour: navy"); where it says nothing, colours are told by their signature, and an attribute
is worth half, so that silence is better than a contradiction and worse than a match.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shoplens.domain import ProductDetails, Vector, Wish
from shoplens.lexicon import COLOUR, Lexicon, Mentions

_UNKNOWN = 0.5
_UNMET, _MET = 0.12, 0.42
"""Likeness of a picture's colours to a colour's cloth up to which it is not of that colour, and from which it is: of 715 shop
photos, nine in ten of other colours lie below 0.3 (grey and white: 0.5), half of the right ones above 0.45."""
_DOUBTED = 0.4
"""What a picture of the right colour is worth where the shop calls it another."""


class Wishes:
    """What one query's wish is worth in each product."""

    def __init__(self, wish: Wish, palette: Mapping[str, Vector], lexicon: Lexicon, weights: Mapping[str, float]) -> None:
        """``weights``: by attribute, how much it counts beside the others; 1 where nothing is said."""
        self._wish = wish
        self._lexicon = lexicon
        self._weights = weights
        wanted = {shade for colour in wish.colours for shade in (colour, *lexicon.shades_of(colour))}
        known = [palette[name] for name in sorted(wanted) if name in palette]
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

    def colour(self, seen: Vector, asked: Vector, mentions: Mentions) -> float:
        """How well a product's colour is the one wished for, 0..1; ``seen``: its picture's colour signature, ``asked``: the photo's."""
        met = self._met(seen)
        if COLOUR in mentions:
            said = self._lexicon.agreement(COLOUR, self._wish.colours, mentions[COLOUR])
            met = said + (1 - said) * _DOUBTED * met
        meant = self.meant(asked)
        return met * (1 - meant + meant * min(max(float(seen @ asked), 0.0), 1.0))

    def meant(self, asked: Vector) -> float:
        """Whether the photo itself is of the colour wished for, 0..1; then its shade is what is meant."""
        return self._met(asked) if self._targets is not None else 0.0

    def _met(self, seen: Vector) -> float:
        if self._targets is None:
            return _UNKNOWN
        likeness = float((self._targets @ seen).max())
        return min(max((likeness - _UNMET) / (_MET - _UNMET), 0.0), 1.0)

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
