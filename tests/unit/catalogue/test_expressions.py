"""Filters of numbers that stand for texts."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.expressions import number_of, one_of


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_nothing_of_a_text_enters_a_filter(texts: list[str]) -> None:
    assert re.fullmatch(r"node (== -?\d+|in \[-?\d+(, -?\d+)+\])", one_of("node", texts))


@given(st.text())
def test_a_number_fits_an_int64_and_stays(text: str) -> None:
    assert -(2**63) <= number_of(text) < 2**63
    assert number_of(text) == number_of(text)


def test_a_number_is_the_same_in_every_process() -> None:
    assert number_of("t-shirt") == 9148577624970594334


def test_one_of_names_each_once_and_nothing_restricts_nothing() -> None:
    assert one_of("node", ["b", "a", "b"]) == f"node in {sorted([number_of('a'), number_of('b')])}"
    assert one_of("node", ["a", "a"]) == f"node == {number_of('a')}"
    assert one_of("node", []) == ""
