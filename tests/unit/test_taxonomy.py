"""The taxonomy: shops' own names find their place in one tree."""

from __future__ import annotations

import pytest

from shoplens.errors import UnknownCategory
from shoplens.taxonomy import taxonomy


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("Dress", "dress"),
        ("T-Shirts", "t-shirt"),
        ("tshirts", "t-shirt"),
        ("SUNGLASSES", "eyewear"),
        ("Pants", "pants"),
        ("chinos", "trousers"),
        ("scarves", "scarf"),
    ],
)
def test_a_name_is_known_whatever_its_case_plural_and_punctuation(name, node):
    assert taxonomy().node(name) == node


def test_an_unknown_name_is_refused_with_the_names_that_are_known():
    with pytest.raises(UnknownCategory, match=r"dress.*shoes"):
        taxonomy().node("spaceship")


@pytest.mark.parametrize(
    ("path", "node"),
    [
        ("Women/Tops/Hoodies & Sweatshirts", "hoodie"),
        ("Apparel & Accessories > Clothing > Dresses", "dress"),
        ("Men/Bottoms", "pants"),
        ("Home/Garden", None),
        ("", None),
    ],
)
def test_the_most_specific_part_of_a_shops_path_wins(path, node):
    assert taxonomy().guess(path) == node


def test_every_leaf_hangs_in_a_group_and_is_below_it():
    tree = taxonomy()
    for leaf, group in tree.leaves.items():
        assert group in tree.groups
        assert leaf in tree.below(group)
