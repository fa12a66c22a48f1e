"""Literals in filter expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.expressions import one_of, quoted
from shoplens.errors import InvalidArgument

PRINTABLE = st.text().filter(str.isprintable)


@given(PRINTABLE)
def test_a_literal_says_its_text_and_ends_where_it_ends(text: str) -> None:
    literal = quoted(text)
    body = re.fullmatch(r'"((?:[^"\\]|\\["\\])*)"', literal)
    assert body is not None
    assert re.sub(r"\\(.)", r"\1", body[1]) == text


@pytest.mark.parametrize("text", ["a\nb", "\0", "tab\t"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        quoted(text)


def test_one_of_names_each_value_once_and_nothing_restricts_nothing() -> None:
    assert one_of("node", ["b", "a", "b"]) == 'node in ["a", "b"]'
    assert one_of("node", []) == ""
