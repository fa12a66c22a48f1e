"""When a photo leaves no doubt about what it shows."""

from __future__ import annotations

import numpy as np

from services.gateway.category_first import sure_nodes
from shoplens.domain import Features
from shoplens.taxonomy import taxonomy

TREE = taxonomy()
LEAVES = tuple(TREE.leaves)


def probe(**likely: float) -> Features:
    rest = (1 - sum(likely.values())) / (len(LEAVES) - len(likely))
    categories = np.array([likely.get(leaf.replace("-", "_"), rest) for leaf in LEAVES], np.float32)
    return Features(np.ones(1, np.float32), categories, np.ones(1, np.float32), "")


def test_one_kind_that_is_sure_is_its_group_with_all_its_leaves() -> None:
    assert set(sure_nodes([probe(dress=0.995)], LEAVES, TREE)) == set(TREE.below("dress"))


def test_leaves_of_one_group_count_together() -> None:
    found = sure_nodes([probe(t_shirt=0.5, shirt=0.495)], LEAVES, TREE)
    assert set(found) == set(TREE.below(TREE.group("shirt")))


def test_probes_that_differ_leave_both_kinds() -> None:
    found = set(sure_nodes([probe(dress=0.995), probe(jeans=0.995)], LEAVES, TREE))
    assert found == {*TREE.below("dress"), *TREE.below(TREE.group("jeans"))}


def test_a_photo_in_doubt_restricts_nothing() -> None:
    assert sure_nodes([probe()], LEAVES, TREE) == ()
    assert sure_nodes([probe(dress=0.9)], LEAVES, TREE) == ()
