"""Looking among the likeliest kinds first (eBay, Yang et al. 2017; Pailitao, Zhang et al. 2018), where the photo leaves no doubt.

Groups are taken, likeliest first, until they hold ``SURE`` of the model's probability; where that takes more than
``MOST_GROUPS``, the photo is in doubt and everything is searched. Measured on 204 photos of garments, 15 in 100 are sure, and all
of these had the right product's kind among theirs; of those that 0.95 would call sure, one in ten had not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shoplens.domain import Features, Hit
from shoplens.taxonomy import Taxonomy

SURE = 0.98
MOST_GROUPS = 4
FROM_ITEMS = 20_000
"""Pictures from which it saves time; a smaller catalogue is searched whole as quickly."""

LEAST_LIKE = 0.4
"""Cosine below which nothing alike was found, and the kind may be the mistake."""


def sure_nodes(probes: Sequence[Features], leaves: Sequence[str], tree: Taxonomy) -> tuple[str, ...]:
    """The nodes of the likeliest groups and of their leaves; none where the photo is in doubt."""
    mean = np.mean([probe.categories for probe in probes], axis=0)
    groups: dict[str, float] = {}
    for leaf, probability in zip(leaves, mean, strict=True):
        groups[tree.group(leaf)] = groups.get(tree.group(leaf), 0.0) + float(probability)
    taken: list[str] = []
    held = 0.0
    for group in sorted(groups, key=lambda group: -groups[group])[:MOST_GROUPS]:
        taken.append(group)
        held += groups[group]
        if held >= SURE:
            return tuple(node for each in taken for node in tree.below(each))
    return ()


def found_enough(hits: Sequence[Hit], wanted: int) -> bool:
    """Whether a search among the likeliest kinds will do: as many products as wanted, the best of them alike."""
    return len({hit.product_id for hit in hits}) >= wanted and max(hit.similarity for hit in hits) >= LEAST_LIKE
