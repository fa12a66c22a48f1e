"""From a filter's text to its tree, with errors that point at the column."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from shoplens.domain.filters import Comparison, Conjunction, Disjunction, Filter, FilterValue, Membership, Negation, Operator
from shoplens.errors import InvalidArgument
from shoplens.filters.facts import folded

FIELDS: Final[dict[str, type]] = {
    "product_id": str,
    "title": str,
    "category": str,
    "brand": str,
    "price": float,
    "currency": str,
    "in_stock": bool,
}
"""What every product has, and what it is compared with; any other name is an attribute's."""

MAX_LENGTH: Final = 4_096
MAX_COMPARISONS: Final = 256
MAX_DEPTH: Final = 32

_ALIASES: Final = {"price.amount": "price", "price.currency": "currency"}
_ORDERED: Final = frozenset(Operator) - {Operator.EQUAL, Operator.UNEQUAL}
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_SAID: Final = {
    "NAME": "a field",
    "STRING": "a quoted text",
    "WORD": "a value",
    "OPERATOR": "one of = != < <= > >=",
    "_IN": "IN",
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "DOT": "a dot",
    "$END": "the end",
}


def parse(text: str) -> Filter:
    """Read a filter such as ``price < 50 AND (brand = "Acme" OR in_stock = true) AND colour IN (red, "dark blue")``.

    Raises ``InvalidArgument``, whose message names the column, counted from 1.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidArgument(f"A filter has at most {MAX_LENGTH:,} characters, not {len(text):,}.")
    _check_depth(text)
    try:
        return _grammar().parse(text)  # type: ignore[return-value]  # the transformer makes the tree
    except VisitError as error:
        raise error.orig_exc from None
    except UnexpectedInput as error:
        raise _complaint(text, error) from None


def _check_depth(text: str) -> None:
    depth = negations = comparisons = 0
    for token in _shape().findall(text):
        match token.lower():
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case "not":
                negations += 1
            case "=" | "<" | ">" | ",":
                comparisons += 1
        if depth + negations > MAX_DEPTH:
            raise InvalidArgument(f"A filter has at most {MAX_DEPTH} parentheses and NOTs inside one another; write it flatter.")
    if comparisons > MAX_COMPARISONS:
        raise InvalidArgument(f"A filter has at most {MAX_COMPARISONS} comparisons and listed values, not {comparisons}.")


@cache
def _shape() -> re.Pattern[str]:
    """Quoted texts are passed over whole."""
    return re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()<>=,]|\bnot\b""", re.IGNORECASE | re.DOTALL)


@cache
def _grammar() -> Lark:
    text = resources.files("shoplens.filters").joinpath("grammar.lark").read_text("utf-8")
    return Lark(text, start="filter", parser="lalr", transformer=_Builder(), propagate_positions=True)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    column: int


@dataclass(frozen=True, slots=True)
class _Value:
    """A value as it was written, what it reads as, and where it stands."""

    text: str
    read: FilterValue
    column: int


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Builds and type-checks the tree, bottom up."""

    def field(self, *parts: Token) -> _Field:
        column = _column(parts[0])
        names = [folded(_unquoted(part) if part.type == "STRING" else str(part)) for part in parts]
        if not all(names):
            raise InvalidArgument(f"filter, column {column}: a field has a name; this one is empty.")
        name = _ALIASES.get(".".join(names), ".".join(names))
        if name in FIELDS or name.startswith("attributes."):
            return _Field(name, column)
        if names[0] in ("attributes", "price"):
            raise InvalidArgument(f"filter, column {column}: write attributes.<name>, price or price.currency.")
        return _Field(f"attributes.{name}", column)

    def value(self, token: Token) -> _Value:
        return _Value(str(token), _read(token), _column(token))

    def values(self, *values: _Value) -> tuple[_Value, ...]:
        return values

    def comparison(self, field: _Field, sign: Token, value: _Value) -> Comparison:
        operator, checked = Operator(str(sign)), _checked(field, value)
        if operator in _ORDERED:
            if FIELDS.get(field.name, float) is not float:
                raise InvalidArgument(f"filter, column {_column(sign)}: {field.name} has no order; compare it with = or !=.")
            if not _is_number(value.read):
                raise InvalidArgument(f"filter, column {value.column}: {sign} compares with a number, not with {value.text}.")
        return Comparison(field.name, operator, checked)

    def membership(self, field: _Field, values: tuple[_Value, ...]) -> Membership:
        return Membership(field.name, tuple(_checked(field, value) for value in values))

    def exclusion(self, field: _Field, values: tuple[_Value, ...]) -> Negation:
        return Negation(Membership(field.name, tuple(_checked(field, value) for value in values)))

    def negation(self, part: Filter) -> Negation:
        return Negation(part)

    def conjunction(self, *parts: Filter) -> Conjunction:
        return Conjunction(parts)

    def disjunction(self, *parts: Filter) -> Disjunction:
        return Disjunction(parts)


def _checked(field: _Field, value: _Value) -> FilterValue:
    """The value as the field's type wants it. Raises ``InvalidArgument``."""
    kind = FIELDS.get(field.name)
    if kind is str:
        return value.read if isinstance(value.read, str) else value.text
    if kind is float and not _is_number(value.read):
        raise InvalidArgument(f"filter, column {value.column}: {field.name} is compared with a number, not with {value.text}.")
    if kind is bool and not isinstance(value.read, bool):
        raise InvalidArgument(f"filter, column {value.column}: {field.name} is true or false, not {value.text}.")
    return value.read


def _is_number(value: FilterValue) -> bool:
    return isinstance(value, float) and not isinstance(value, bool)


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _read(token: Token) -> FilterValue:
    text = str(token)
    if token.type == "STRING":
        return _unquoted(token)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _unquoted(token: Token) -> str:
    inner = token[1:-1]
    if token[0] == '"':
        try:
            return str(json.loads(token))
        except ValueError:
            pass
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def _complaint(text: str, error: UnexpectedInput) -> InvalidArgument:
    """What is wrong, where, and what there may be instead."""
    match error:
        case UnexpectedToken():
            wanted, place = error.accepts or set(), len(text) if error.token.type == "$END" else error.token.start_pos or 0
        case UnexpectedCharacters():
            wanted, place = error.allowed or set(), error.pos_in_stream
        case _:
            wanted, place = set(), len(text)
    names = sorted(_SAID[name] for name in wanted if name in _SAID)
    hint = f"; there may be {', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else f"; there may be {names[0]}" if names else ""
    found = text[place:].split(maxsplit=1)
    problem = f"{found[0][:20]!r} does not belong here" if found else "the filter ends too early"
    return InvalidArgument(f"filter, column {place + 1}: {problem}{hint}.")
