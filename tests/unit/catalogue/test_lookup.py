"""Products by what is said of them: filters mean what plain Python says they mean, and words find what they name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalogue.lookup import Lookup
from services.catalogue.rows import Document
from shoplens.domain import Filter, Price, Product, ProductDetails
from shoplens.filters import facts, matches, parse
from shoplens.testing.filters import details, filters

NODES = ("t-shirt", "shirt", "sandals")


def document(product_id: str, said: ProductDetails, node: str = "shirt") -> Document:
    return Document(Product(product_id, said, (), 1, node, datetime.now(UTC)), ())


def lookup(*documents: Document) -> Lookup:
    made = Lookup()
    made.add((number, 1000 + number, each) for number, each in enumerate(documents))
    return made


@st.composite
def catalogues(draw: st.DrawFn) -> list[Document]:
    said = draw(st.lists(details(), min_size=1, max_size=8))
    return [document(f"p{number}", each, draw(st.sampled_from(NODES))) for number, each in enumerate(said)]


@given(catalogues(), st.lists(filters(), min_size=20, max_size=20))
@settings(max_examples=500, deadline=None)
def test_ten_thousand_filters_mean_the_same_as_in_plain_python(documents: list[Document], wanted: list[Filter]) -> None:
    known = lookup(*documents)
    for each in wanted:
        read = parse(str(each))
        expected = [1000 + number for number, document in enumerate(documents) if matches(read, facts(document.product))]
        assert known.matching(read) == expected, str(each)
    known.close()


def test_what_was_removed_is_found_by_nothing() -> None:
    known = lookup(document("p0", ProductDetails("linen shirt")), document("p1", ProductDetails("linen dress")))
    assert known.matching(parse("in_stock = true")) == [1000, 1001]
    known.remove(0)
    known.remove(77)
    assert known.matching(parse("in_stock = true")) == [1001]
    assert set(known.worded("linen", limit=9)) == {1001}


def test_the_best_words_are_worth_one_and_rarer_words_more() -> None:
    known = lookup(
        document("p0", ProductDetails("red linen shirt")),
        document("p1", ProductDetails("red shirt")),
        document("p2", ProductDetails("red dress", description="linen, for the summer")),
        *(document(f"o{number}", ProductDetails("red shirt")) for number in range(9)),
    )
    worth = known.worded("Linen shirts", limit=20)
    assert worth[1000] == 1.0
    assert 1.0 > worth[1002] > worth[1001] > 0.0
    assert set(known.worded("linen", limit=20)) == {1000, 1002}
    assert set(known.worded("linen", limit=20, wanted=parse("product_id = p2"))) == {1002}
    assert len(known.worded("red", limit=3)) == 3


@pytest.mark.parametrize("text", ["", "!!! ()", 'AND OR NOT "x', "NEAR(a b)", "title:linen*", "-linen", "ﬁ\x00"])
def test_words_are_words_and_no_query_language(text: str) -> None:
    known = lookup(document("p0", ProductDetails("linen shirt", price=Price(1.0, "EUR"))))
    assert set(known.worded(text, limit=5)) <= {1000}
