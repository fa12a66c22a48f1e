"""How well a product meets what the shopper wrote: a colour, a sleeve, a pattern.

A wish is met or it is not: among the red things none is redder, and looks decide again. Where the photo itself is of the colour
wished for, its shade is what is meant.

A shop's own word counts most ("colour: navy"); where it says nothing, colours are told by their signature, and an attribute
is worth half, so that silence is better than a contradiction and worse than a match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shoplens.domain import Hit, Vector, Wish
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
        self._mentions: dict[str, Mentions] = {}
        wanted = {shade for colour in wish.colours for shade in (colour, *lexicon.shades_of(colour))}
        known = [palette[name] for name in sorted(wanted) if name in palette]
        self._targets = np.stack(known) if known else None

    @property
    def names_colour(self) -> bool:
        return bool(self._wish.colours)

    @property
    def names_attributes(self) -> bool:
        return bool(self._wish.attributes or self._wish.unlike)

    def mentions(self, hit: Hit) -> Mentions:
        """What a hit's product says of itself, read once a product; nothing where nobody asks."""
        if not self.names_colour and not self.names_attributes:
            return {}
        known = self._mentions.get(hit.product_id)
        if known is None:
            known = self._mentions[hit.product_id] = self._lexicon.mentions(hit.details)
        return known

    def colours(self, probes: Sequence[Vector], hits: Sequence[Hit]) -> list[float]:
        """How well the colour of each hit is the one wished for, 0..1; ``probes``: the photo's own colour signatures."""
        if not hits:
            return []
        seen = np.stack([hit.colour for hit in hits])
        asked = np.stack([probes[hit.probe] for hit in hits])
        meant = np.array([self.meant(probe) for probe in probes])[[hit.probe for hit in hits]]
        alike = np.clip(np.einsum("ij,ij->i", asked, seen), 0.0, 1.0)
        said = {product: self._said(hit) for product, hit in {hit.product_id: hit for hit in hits}.items()}
        met = [_agreed(said[hit.product_id], shown) for hit, shown in zip(hits, self._met(seen), strict=True)]
        return [float(value) for value in np.array(met) * (1 - meant + meant * alike)]

    def meant(self, asked: Vector) -> float:
        """Whether the photo itself is of the colour wished for, 0..1; then its shade is what is meant."""
        return 0.0 if self._targets is None else float(self._met(asked[None])[0])

    def _met(self, seen: NDArray[np.float32]) -> NDArray[np.float64]:
        """How surely pictures of these signatures, ``[pictures, width]``, are of the colour, ``[pictures]``."""
        if self._targets is None:
            return np.full(len(seen), _UNKNOWN)
        likeness = (seen @ self._targets.T).max(axis=1)
        return np.asarray(np.clip((likeness - _UNMET) / (_MET - _UNMET), 0.0, 1.0), dtype=np.float64)

    def _said(self, hit: Hit) -> float | None:
        """How well the shop's own word for the colour fits; None where it has none."""
        mentions = self.mentions(hit)
        return self._lexicon.agreement(COLOUR, self._wish.colours, mentions[COLOUR]) if COLOUR in mentions else None

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


def _agreed(said: float | None, shown: float) -> float:
    return shown if said is None else said + (1 - said) * _DOUBTED * shown
