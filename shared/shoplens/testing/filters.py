"""Random filters, and products that they may be true of."""

from __future__ import annotations

from hypothesis import strategies as st

from shoplens.domain import Price, ProductDetails
from shoplens.domain.filters import Comparison, Conjunction, Disjunction, Filter, Membership, Negation, Operator

_TEXTS = st.sampled_from(["Red", "red ", "BLUE", "42", "true", "Straße", 'a "b" \\ c', "it's", "ünï", "-1.50"])
_NUMBERS = st.sampled_from([-1.5, 0.0, 9.99, 42.0, 1e6])
_ATTRIBUTES = ("colour", "size", "sleeve length", "a.b")
_CATEGORIES = st.sampled_from(["", "Women/Shirts", "shoes", "Dress"])


@st.composite
def details(draw: st.DrawFn) -> ProductDetails:
    """A product's details, of few values, so that filters meet them."""
    values = st.one_of(_TEXTS, _NUMBERS, st.booleans(), st.integers(-2, 50), st.lists(_TEXTS, max_size=3).map(tuple))
    return ProductDetails(
        title=draw(_TEXTS),
        category=draw(_CATEGORIES),
        brand=draw(st.sampled_from(["", "Acme", "ACME", "42"])),
        price=draw(st.none() | st.builds(Price, _NUMBERS, st.sampled_from(["EUR", "USD"]))),
        in_stock=draw(st.booleans()),
        attributes=draw(st.dictionaries(st.sampled_from(["colour", "Size", "Sleeve Length", "a.b"]), values, max_size=3)),
    )


def filters() -> st.SearchStrategy[Filter]:
    """Trees as ``filters.parse`` makes them."""
    return st.recursive(_leaves(), _nodes, max_leaves=8)


def _leaves() -> st.SearchStrategy[Filter]:
    text_fields = st.sampled_from(["product_id", "title", "category", "brand", "currency"])
    attributes = st.sampled_from([f"attributes.{name}" for name in _ATTRIBUTES])
    texts = _TEXTS | st.sampled_from(["acme", "eur", "shoes", "women", "shirt", "p1", "p2"])
    of_attribute = st.one_of(texts, _NUMBERS, st.booleans())
    equality = st.sampled_from([Operator.EQUAL, Operator.UNEQUAL])
    return st.one_of(
        st.builds(Comparison, text_fields, equality, texts),
        st.builds(Comparison, attributes, equality, of_attribute),
        st.builds(Comparison, st.just("price") | attributes, st.sampled_from(Operator), _NUMBERS),
        st.builds(Comparison, st.just("in_stock"), equality, st.booleans()),
        st.builds(Membership, text_fields, st.lists(texts, min_size=1, max_size=3).map(tuple)),
        st.builds(Membership, attributes, st.lists(of_attribute, min_size=1, max_size=3).map(tuple)),
    )


def _nodes(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Negation, parts), st.builds(Conjunction, several), st.builds(Disjunction, several))
