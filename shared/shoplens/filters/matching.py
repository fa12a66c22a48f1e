"""Whether a filter is true of a product.

Two-valued: a comparison with what a product does not have is false, and ``NOT`` turns that round, so ``colour != red`` is
true of a product without a colour.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import assert_never

from shoplens.domain.filters import Comparison, Conjunction, Disjunction, Filter, FilterValue, Membership, Negation, Operator
from shoplens.filters.facts import Facts, folded

_ORDER: dict[Operator, Callable[[float, float], bool]] = {
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}


def matches(wanted: Filter, facts: Facts) -> bool:
    """Whether the filter is true of what these facts are about."""
    match wanted:
        case Comparison(field, Operator.EQUAL, value):
            return _equals(field, value, facts)
        case Comparison(field, Operator.UNEQUAL, value):
            return not _equals(field, value, facts)
        case Comparison(field, order, value):
            holds = _ORDER[order]
            return any(name == field and holds(number, float(value)) for name, number in facts.numbers)
        case Membership(field, values):
            return any(_equals(field, value, facts) for value in values)
        case Negation(part):
            return not matches(part, facts)
        case Conjunction(parts):
            return all(matches(part, facts) for part in parts)
        case Disjunction(parts):
            return any(matches(part, facts) for part in parts)
    assert_never(wanted)


def _equals(field: str, value: FilterValue, facts: Facts) -> bool:
    if isinstance(value, bool):
        return (field, "true" if value else "false") in facts.texts
    if isinstance(value, str):
        return (field, folded(value)) in facts.texts
    return (field, value) in facts.numbers
