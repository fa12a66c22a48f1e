"""Events as shops tell them: what is read, what is refused, and the schema that says the same."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shoplens.domain import Price, ProductDeletion, ProductDraft, ProductPatch
from shoplens.errors import InvalidArgument
from shoplens.events import OPERATIONS, event_schema, operation_of, parse_event, read_event

IMAGE = {"uri": "https://shop.example/a.jpg"}
GOOD: dict[str, dict[str, Any]] = {
    "a product": {"product_id": "a", "title": "A", "images": [IMAGE]},
    "a product, said so": {"op": "upsert", "product_id": "a", "images": [{"content": "aGk="}], "version": 3},
    "a patch": {"op": "patch", "product_id": "a", "price": {"amount": 5.0, "currency": "EUR"}, "attributes": {"fit": None, "sizes": ["S"]}},
    "a deletion": {"op": "delete", "product_id": "a", "version": 9},
}
WRONG: dict[str, dict[str, Any]] = {
    "no name": {"images": [IMAGE]},
    "no pictures": {"product_id": "a", "title": "A"},
    "another op": {"op": "upset", "product_id": "a"},
    "an unknown field": {"product_id": "a", "images": [IMAGE], "colour": "red"},
    "a patch of pictures": {"op": "patch", "product_id": "a", "images": [IMAGE]},
    "a deletion with a title": {"op": "delete", "product_id": "a", "title": "A"},
    "a price in words": {"op": "patch", "product_id": "a", "price": {"amount": "5", "currency": "EUR"}},
    "a currency in small letters": {"op": "patch", "product_id": "a", "price": {"amount": 5.0, "currency": "eur"}},
    "a script for a link": {"op": "patch", "product_id": "a", "url": "javascript:alert(1)"},
    "a version below nought": {"op": "delete", "product_id": "a", "version": -1},
    "a deep attribute": {"op": "patch", "product_id": "a", "attributes": {"a": {"b": 1}}},
}
SCHEMA = Draft202012Validator(event_schema())


def test_each_operation_is_read() -> None:
    updates = [parse_event(None, json.dumps(document).encode()) for document in GOOD.values()]
    assert [operation_of(update) for update in updates] == ["upsert", "upsert", "patch", "delete"]
    assert isinstance(updates[0], ProductDraft)
    assert updates[2] == ProductPatch("a", {"price": Price(5.0, "EUR"), "attributes": {"fit": None, "sizes": ("S",)}})
    assert updates[3] == ProductDeletion("a", 9)


def test_the_key_names_the_product_as_well() -> None:
    assert parse_event(b"a", b'{"op": "delete"}') == parse_event(b"a", None) == parse_event(b"a", b"") == ProductDeletion("a")


@pytest.mark.parametrize("name", GOOD)
def test_the_schema_takes_what_is_read(name: str) -> None:
    assert [error.message for error in SCHEMA.iter_errors(GOOD[name])] == []


@pytest.mark.parametrize("name", WRONG)
def test_the_schema_refuses_what_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_event(None, json.dumps(WRONG[name]).encode())
    assert not SCHEMA.is_valid(WRONG[name])


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(event_schema())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["op", "product_id", "title", "price", "images", "version", "attributes", "url", "in_stock"])


@given(st.none() | st.binary(max_size=8), st.none() | st.binary(max_size=40) | JSON.map(lambda each: json.dumps(each).encode()))
def test_whatever_comes_is_read_or_refused(key: bytes | None, value: bytes | None) -> None:
    with suppress(InvalidArgument):
        assert operation_of(parse_event(key, value)) in OPERATIONS


@given(st.dictionaries(FIELDS, JSON, max_size=6))
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    with suppress(InvalidArgument):
        assert read_event("a", document).id == "a"
