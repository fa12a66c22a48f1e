"""Which region of a photo a search is about."""

from __future__ import annotations

from collections.abc import Sequence

from shoplens.domain import WHOLE_FRAME, Box, CategoryGuess, Features, Region
from shoplens.taxonomy import Taxonomy


def primary(regions: Sequence[Region], group: str | None) -> int:
    """The index of the most salient region.

    ``group`` is the shopper's pick; regions of it come first. Raises ``ValueError`` on an empty sequence.
    """
    return max(range(len(regions)), key=lambda index: (regions[index].category == group, regions[index].salience))


def pieces(regions: Sequence[Region], most: int) -> tuple[Region, ...]:
    """The most salient region of each category, the most salient first: one row of shoes for two shoes."""
    best: dict[str, Region] = {}
    for region in sorted(regions, key=lambda region: -region.salience):
        best.setdefault(region.category, region)
    return tuple(best.values())[:most]


def described(box: Box, features: Features, leaves: Sequence[str], taxonomy: Taxonomy) -> Region:
    """A box that no detector named (the whole frame, or one that the shopper drew), named by the encoder.

    Its score is the probability of its category's group.
    """
    by_group: dict[str, float] = {}
    for leaf, probability in zip(leaves, features.categories, strict=True):
        group = taxonomy.group(leaf)
        by_group[group] = by_group.get(group, 0.0) + float(probability)
    guess = max((CategoryGuess(*item) for item in by_group.items()), key=lambda guess: guess.probability)
    return Region(box, guess.name, min(guess.probability, 1.0))


def is_whole(box: Box) -> bool:
    """Whether a box is the frame itself, to the eye."""
    return box == WHOLE_FRAME or box.area > 0.95
