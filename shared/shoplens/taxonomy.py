"""The tree of categories: groups (the detector's classes) and their leaves (the encoder's).

A shop's own names are matched without regard to case, plural and punctuation, the last words first: in
"Women/Tops/Hoodies & Sweatshirts" the most specific part wins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from shoplens.errors import UnknownCategory


def _plain(name: str) -> str:
    words = re.findall(r"[a-z0-9]+", name.lower().replace("&", " and "))
    return " ".join(word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """leaves: leaf → group. names: every known name, normalised → node."""

    leaves: Mapping[str, str]
    groups: tuple[str, ...]
    names: Mapping[str, str]

    def node(self, name: str) -> str:
        """The node that a name stands for. Raises ``UnknownCategory``."""
        found = self.names.get(_plain(name))
        if found is None:
            raise UnknownCategory(f"There is no category {name!r}; use one of: {', '.join(sorted({*self.groups, *self.leaves}))}.")
        return found

    def guess(self, shop_name: str) -> str | None:
        """The node that a shop's own category path most likely means, or None."""
        for part in reversed(re.split(r"[/>|]", shop_name)):
            words = _plain(part).split()
            for length in range(len(words), 0, -1):
                for start in range(len(words) - length, -1, -1):
                    found = self.names.get(" ".join(words[start : start + length]))
                    if found is not None:
                        return found
        return None

    def group(self, node: str) -> str:
        """The group of a leaf, or the group itself."""
        return self.leaves.get(node, node)

    def below(self, node: str) -> tuple[str, ...]:
        """The node and every leaf under it."""
        return (node, *(leaf for leaf, group in self.leaves.items() if group == node and leaf != node))


@cache
def taxonomy() -> Taxonomy:
    """The one taxonomy, read from ``taxonomy.toml`` beside this module."""
    tree = tomllib.loads(resources.files("shoplens").joinpath("taxonomy.toml").read_text("utf-8"))
    leaves = {leaf: entry["group"] for leaf, entry in tree["categories"].items()}
    names: dict[str, str] = {}
    for group, aliases in tree["groups"].items():
        names |= {_plain(name): group for name in (group, *aliases)}
    for leaf, entry in tree["categories"].items():
        names |= {_plain(name): leaf for name in (leaf, *entry["names"])}
    # A name that is both a group and a leaf (dress, shorts, bag) means the group, which holds the leaf.
    names |= {_plain(group): group for group in tree["groups"]}
    return Taxonomy(leaves=leaves, groups=tuple(tree["groups"]), names=names)
