"""Filters: the language in which a search is narrowed, and what it means.

``parse`` reads a text into the tree of :mod:`shoplens.domain.filters`, ``facts`` says what of a product can be compared,
``matches`` decides. The catalogue answers filters from an index of the same facts.
"""

from shoplens.filters.facts import Facts, facts, folded
from shoplens.filters.matching import matches
from shoplens.filters.parser import FIELDS, MAX_COMPARISONS, MAX_DEPTH, MAX_LENGTH, parse

__all__ = ["FIELDS", "MAX_COMPARISONS", "MAX_DEPTH", "MAX_LENGTH", "Facts", "facts", "folded", "matches", "parse"]
