"""Page tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.tokens import product_before, token_after
from shoplens.errors import InvalidArgument


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_token_leads_back(product_id: str) -> None:
    token = token_after(product_id)
    assert product_before(token) == product_id
    assert token.isascii()
    assert not set(token) & set("+/=&?# ")


@pytest.mark.parametrize("token", ["%%%", "a", "ÿ", "_w", "next page"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="without a token"):
        product_before(token)
