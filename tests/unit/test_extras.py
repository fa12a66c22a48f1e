"""What is not installed says how to get it."""

from __future__ import annotations

import pytest

from shoplens.errors import FailedPrecondition
from shoplens.extras import the_extra


def test_a_missing_module_is_named_with_the_extra_that_brings_it() -> None:
    with pytest.raises(FailedPrecondition, match=r"needs lots_of_arrows.*pip install 'shoplens\[features\]'"), the_extra("features"):
        import lots_of_arrows  # type: ignore[import-not-found]  # noqa: F401  it is the point that there is none


def test_what_else_goes_wrong_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), the_extra("features"):
        raise ZeroDivisionError
