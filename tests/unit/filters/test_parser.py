"""Filters: what is read, what is refused, and where the error points."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shoplens.domain.filters import Comparison, Conjunction, Disjunction, Filter, Membership, Negation, Operator
from shoplens.errors import InvalidArgument
from shoplens.filters import MAX_COMPARISONS, MAX_DEPTH, MAX_LENGTH, parse
from shoplens.testing.filters import filters

A, B, C = (Comparison(f"attributes.{name}", Operator.EQUAL, 1.0) for name in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("price < 50", Comparison("price", Operator.LESS, 50.0)),
        ("price.amount >= -1.5e2", Comparison("price", Operator.GREATER_OR_EQUAL, -150.0)),
        ("price.currency = EUR", Comparison("currency", Operator.EQUAL, "EUR")),
        ('brand = "Acme & Sons"', Comparison("brand", Operator.EQUAL, "Acme & Sons")),
        ("brand = 7", Comparison("brand", Operator.EQUAL, "7")),
        ("in_stock = TRUE", Comparison("in_stock", Operator.EQUAL, True)),
        ("colour != red", Comparison("attributes.colour", Operator.UNEQUAL, "red")),
        ("attributes.colour = red", Comparison("attributes.colour", Operator.EQUAL, "red")),
        ('"Sleeve Length" = long', Comparison("attributes.sleeve length", Operator.EQUAL, "long")),
        (r"note = 'it\'s'", Comparison("attributes.note", Operator.EQUAL, "it's")),
        ("size IN (42, 43)", Membership("attributes.size", (42.0, 43.0))),
        ("size NOT IN (s, m)", Negation(Membership("attributes.size", ("s", "m")))),
        ("NOT a = 1", Negation(A)),
        ("not (a=1 and b=1)", Negation(Conjunction((A, B)))),
        ("a=1 AND b=1 AND c=1", Conjunction((A, B, C))),
        (
            "android = 1 OR notable = 1",
            Disjunction(tuple(Comparison(f"attributes.{n}", Operator.EQUAL, 1.0) for n in ("android", "notable"))),
        ),
    ],
)
def test_what_a_filter_says(text: str, tree: Filter) -> None:
    assert parse(text) == tree


def test_or_binds_closer_than_and_as_in_aip_160() -> None:
    assert parse("a=1 AND b=1 OR c=1") == Conjunction((A, Disjunction((B, C))))
    assert parse("(a=1 AND b=1) OR c=1") == Disjunction((Conjunction((A, B)), C))


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "ends too early"),
        ("price <", 8, "ends too early; there may be a quoted text or a value"),
        ("brand", 6, "ends too early"),
        ("(a = 1", 7, "there may be )"),
        ("a = 1)", 6, "')' does not belong here"),
        ("a = 1 b = 2", 7, "'b' does not belong here; there may be AND, OR or the end"),
        ("a & b", 3, "'&' does not belong here"),
        ("a =\n = 3", 6, "'=' does not belong here"),
        ('a = "x', 5, "does not belong here"),
        ("a IN ()", 7, "a value"),
        ("price < cheap", 9, "price is compared|compares with a number, not with cheap"),
        ("price IN (1, x)", 14, "price is compared with a number, not with x"),
        ("in_stock = 3", 12, "in_stock is true or false, not 3"),
        ("brand < x", 7, "brand has no order"),
        ("size < large", 8, "compares with a number, not with large"),
        ("attributes = 3", 1, "attributes.<name>"),
        ("price.tag = 3", 1, "price.currency"),
        ('"" = 3', 1, "a field has a name"),
    ],
)
def test_an_error_points_at_the_column(text: str, column: int, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said.replace(")", r"\)")) as raised:
        parse(text)
    assert raised.value.message.startswith(f"filter, column {column}: ")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "x" * MAX_LENGTH,
        "(" * (MAX_DEPTH + 1) + "a = 1" + ")" * (MAX_DEPTH + 1),
        "NOT " * (MAX_DEPTH + 1) + "a = 1",
        f"a IN ({','.join('1' * (MAX_COMPARISONS + 2))})",
    ],
)
def test_a_filter_has_bounds(text: str) -> None:
    with pytest.raises(InvalidArgument, match="A filter has at most"):
        parse(text)


@given(filters())
def test_a_trees_text_reads_as_the_same_tree(tree: Filter) -> None:
    assert parse(str(tree)) == tree


@given(st.text(st.sampled_from("ab1 .\"'()=!<>,ANDORTI\\\n")))
@example("a = \x00")
def test_whatever_is_sent_is_read_or_refused_by_its_column(text: str) -> None:
    try:
        assert str(parse(text))
    except InvalidArgument as error:
        said = error.message
    else:
        return
    assert said.startswith(("filter, column ", "A filter has at most"))
