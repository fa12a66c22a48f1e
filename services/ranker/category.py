"""The query's category: what the model sees, fused with what its nearest neighbours are (Pailitao, KDD 2018, §3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shoplens.domain import CategoryGuess, Features, Hit
from shoplens.taxonomy import Taxonomy

_SHARPNESS = 6
"""Measured on unseen senders' phone photos: the vote alone is right in 0.74 with it, in 0.72 with 3 and with 1."""


def model_posterior(probes: Sequence[Features], leaves: Sequence[str]) -> dict[str, float]:
    """leaf → probability, the mean over the probes."""
    mean = np.mean([probe.categories for probe in probes], axis=0)
    return dict(zip(leaves, map(float, mean), strict=True))


def neighbour_vote(hits: Sequence[Hit], taxonomy: Taxonomy, neighbours: int) -> dict[str, float]:
    """leaf → share of the nearest products' similarity; a product known only by its group shares among its leaves."""
    nearest: dict[str, Hit] = {}
    for hit in sorted(hits, key=lambda hit: -hit.similarity):
        nearest.setdefault(hit.product_id, hit)
        if len(nearest) == neighbours:
            break
    votes: dict[str, float] = {}
    for hit in nearest.values():
        # A high power, so that one close neighbour outweighs several far ones.
        weight = max(hit.similarity, 0.0) ** _SHARPNESS
        leaves = _leaves(hit.node, taxonomy)
        for leaf in leaves:
            votes[leaf] = votes.get(leaf, 0.0) + weight / len(leaves)
    total = sum(votes.values())
    return {leaf: vote / total for leaf, vote in votes.items()} if total > 0 else {}


def fuse(posterior: Mapping[str, float], vote: Mapping[str, float], share: float) -> dict[str, float]:
    """The mixture of both; the posterior alone where nobody voted."""
    if not vote:
        return dict(posterior)
    return {leaf: (1 - share) * posterior.get(leaf, 0.0) + share * vote.get(leaf, 0.0) for leaf in dict.fromkeys((*posterior, *vote))}


def guesses(fused: Mapping[str, float], most: int = 5) -> tuple[CategoryGuess, ...]:
    """The likeliest leaves, best first."""
    ordered = sorted(fused.items(), key=lambda item: (-item[1], item[0]))[:most]
    return tuple(CategoryGuess(name, probability) for name, probability in ordered)


def agreement(node: str, fused: Mapping[str, float], taxonomy: Taxonomy) -> float:
    """How well a product's node fits the query, 0..1: half for its group, half for its leaf.

    A T-shirt is nearer to a shirt than to a shoe; a product known only by its group gets the group's share twice.
    """
    group = taxonomy.group(node)
    of_group = sum(probability for leaf, probability in fused.items() if taxonomy.group(leaf) == group)
    of_leaf = fused.get(node, 0.0) if node in taxonomy.leaves else of_group
    return min(1.0, 0.5 * of_group + 0.5 * of_leaf)


def _leaves(node: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    if node in taxonomy.leaves:
        return (node,)
    return tuple(leaf for leaf, group in taxonomy.leaves.items() if group == node)
