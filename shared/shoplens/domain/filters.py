"""What a shopper's filter says, as a tree. :mod:`shoplens.filters` reads it from text and tells what it matches.

``str`` of a tree is text that reads as the same tree, with every value quoted as its type needs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

FilterValue = str | float | bool


class Operator(StrEnum):
    """How a field is compared with a value."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field`` is one of ``filters.FIELDS`` or ``attributes.<name>``, in lower case."""

    field: str
    operator: Operator
    value: FilterValue

    def __str__(self) -> str:
        return f"{_field_text(self.field)} {self.operator} {_value_text(self.value)}"


@dataclass(frozen=True, slots=True)
class Membership:
    """True where the field equals one of the values."""

    field: str
    values: tuple[FilterValue, ...]

    def __str__(self) -> str:
        return f"{_field_text(self.field)} IN ({', '.join(_value_text(value) for value in self.values)})"


@dataclass(frozen=True, slots=True)
class Negation:
    part: Filter

    def __str__(self) -> str:
        return f"NOT ({self.part})"


@dataclass(frozen=True, slots=True)
class Conjunction:
    parts: tuple[Filter, ...]

    def __str__(self) -> str:
        return " AND ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True, slots=True)
class Disjunction:
    parts: tuple[Filter, ...]

    def __str__(self) -> str:
        return " OR ".join(f"({part})" for part in self.parts)


Filter = Comparison | Membership | Negation | Conjunction | Disjunction


def _field_text(field: str) -> str:
    return ".".join(part if re.fullmatch(r"[^\W\d]\w*", part) else json.dumps(part, ensure_ascii=False) for part in field.split(".", 1))


def _value_text(value: FilterValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
