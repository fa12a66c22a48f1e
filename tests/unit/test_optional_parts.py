"""Parts that only help are waited for, once and not for ever."""

from __future__ import annotations

import pytest

from shoplens import optional_parts
from shoplens.optional_parts import OptionalParts


def test_an_optional_part_is_waited_for_until_it_came() -> None:
    found = OptionalParts(["ranker"])
    assert not found.may_be_away("ranker")
    found.came("ranker")
    assert found.may_be_away("ranker")


def test_an_optional_part_that_never_comes_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_parts, "WAITED_S", -1.0)
    assert OptionalParts(["ranker"]).may_be_away("ranker")


def test_what_is_needed_may_never_be_away() -> None:
    found = OptionalParts(["ranker"])
    found.came("encoder")
    assert not found.may_be_away("encoder")
