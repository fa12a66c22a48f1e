"""The product's JSON: what is read, what is refused and with which words."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoplens.domain import ImageSource, Price, Product, ProductDetails, ProductDraft, ProductImage
from shoplens.errors import InvalidArgument
from shoplens.products import draft_document, parse_patch, parse_product, product_document

IMAGE = {"uri": "https://shop.example/1.jpg"}
FULL = {
    "title": "Hoodie",
    "description": "Warm.",
    "category": "Tops/Hoodies",
    "brand": "Acme",
    "price": {"amount": 39.5, "currency": "EUR"},
    "in_stock": False,
    "url": "https://shop.example/hoodie",
    "attributes": {"colour": "blue", "sizes": ["S", "M"], "weight": 0.4, "pieces": 1, "organic": True},
    "version": 7,
    "images": [
        {
            "id": "front",
            "content": base64.b64encode(b"picture").decode(),
            "page_url": "https://shop.example/hoodie",
            "creator": "A. Photographer",
            "published_at": "2026-05-31T12:00:00Z",
        },
        {"uri": "file:back.jpg"},
    ],
}


def test_a_full_product() -> None:
    assert parse_product("h1", FULL) == ProductDraft(
        id="h1",
        details=ProductDetails(
            title="Hoodie",
            description="Warm.",
            category="Tops/Hoodies",
            brand="Acme",
            price=Price(39.5, "EUR"),
            in_stock=False,
            url="https://shop.example/hoodie",
            attributes={"colour": "blue", "sizes": ("S", "M"), "weight": 0.4, "pieces": 1, "organic": True},
        ),
        images=(
            ImageSource("front", b"picture", None, "https://shop.example/hoodie", "A. Photographer", datetime(2026, 5, 31, 12, tzinfo=UTC)),
            ImageSource("2", None, "file:back.jpg"),
        ),
        version=7,
    )


def test_only_images_are_required_and_null_is_the_same_as_absent() -> None:
    least = parse_product("x", {"images": [IMAGE]})
    assert least == ProductDraft("x", ProductDetails(), (ImageSource("1", uri=IMAGE["uri"]),))
    nulls: dict[str, Any] = {name: None for name in FULL if name != "images"}
    assert parse_product("x", {**nulls, "images": [IMAGE]}) == least
    assert parse_product("x", {"images": [IMAGE], "attributes": {"colour": None}}) == least


@pytest.mark.parametrize("inside", [None, "a/ö 1"])
def test_the_id_outside(inside: str | None) -> None:
    assert parse_product("a/ö 1", {"product_id": inside, "images": [IMAGE]}).id == "a/ö 1"


def test_the_id_inside() -> None:
    assert parse_product(None, {"product_id": "7", "images": [IMAGE]}).id == "7"
    with pytest.raises(InvalidArgument, match="no product_id"):
        parse_product(None, {"images": [IMAGE]})
    with pytest.raises(InvalidArgument, match=r"'7'.*'8'"):
        parse_product("8", {"product_id": "7", "images": [IMAGE]})


@pytest.mark.parametrize("product_id", ["", ".", "..", "a\n", "a\x00", "x" * 257, "ü" * 129, "\ud800"])
def test_ids_that_will_not_do(product_id: str) -> None:
    with pytest.raises(InvalidArgument, match="control characters"):
        parse_product(product_id, {"images": [IMAGE]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": []}, "images: list should have at least 1 item"),
        ({"images": [{}]}, r"images\[0\]: give either content \(base64\) or uri"),
        ({"images": [{"uri": "a", "content": ""}]}, r"images\[0\]: give either"),
        ({"images": [{"uri": ""}]}, r"images\[0\].uri"),
        ({"images": [{"content": "no base64!"}]}, r"images\[0\].content: give the picture's bytes as base64"),
        ({"images": [{"content": 5}]}, r"images\[0\].content: give the picture's bytes as base64"),
        ({"images": [IMAGE, {**IMAGE, "id": "1"}]}, "images: give every picture an id of its own; '1' comes twice"),
        ({"images": [{**IMAGE, "published_at": "yesterday"}]}, r"images\[0\].published_at: give a time"),
        ({"images": [{**IMAGE, "size": 3}]}, r"images\[0\].size: there is no such field"),
        ({"images": [IMAGE] * 251}, "images: list should have at most 250"),
        ({"price": 10.0}, "price: give a JSON object"),
        ({"titel": "x"}, "titel: there is no such field; the fields are attributes, brand, .*title"),
        ({"title": 5}, "title: input should be a valid string"),
        ({"title": "\ud800"}, "title: "),
        ({"title": "x" * 501}, "title: string should have at most 500"),
        ({"in_stock": "yes"}, "in_stock: input should be a valid boolean"),
        ({"price": 5}, "price: "),
        ({"price": {"amount": -1, "currency": "EUR"}}, "price.amount: input should be greater than or equal to 0"),
        ({"price": {"amount": float("nan"), "currency": "EUR"}}, "price.amount: input should be a finite number"),
        ({"price": {"amount": True, "currency": "EUR"}}, "price.amount: "),
        ({"price": {"amount": 1, "currency": "euro"}}, "price.currency: give three capital letters"),
        ({"price": {"amount": 1}}, "price.currency: this is required"),
        ({"url": "javascript:alert(1)"}, "url: a link begins with https://"),
        ({"attributes": {"a": {"b": 1}}}, "attributes.a: an attribute is a text"),
        ({"attributes": {"a": float("inf")}}, "attributes.a: an attribute is a text"),
        ({"attributes": {"a": 2**63}}, "attributes.a: an attribute is a text"),
        ({"attributes": {"a": "\ud800"}}, "attributes.a: an attribute is a text"),
        ({"attributes": {str(n): n for n in range(201)}}, "attributes: dictionary should have at most 200"),
        ({"version": -1}, "version: "),
        ({"version": 2**63}, "version: "),
        ({"version": "7"}, "version: "),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        parse_product("x", {"images": [IMAGE], **change})


def test_every_wrong_field_is_named_up_to_a_point() -> None:
    with pytest.raises(InvalidArgument, match=r"title: .*; description: .*; and 2 more\.$"):
        parse_product("x", dict.fromkeys(("title", "description", "category", "brand", "in_stock", "url"), 5))


@pytest.mark.parametrize("document", [None, [], "x", 5])
def test_a_product_is_an_object(document: object) -> None:
    with pytest.raises(InvalidArgument, match="JSON object"):
        parse_product("x", document)


def test_a_patch_holds_only_what_is_given() -> None:
    patch = parse_patch("x", {"price": {"amount": 9, "currency": "EUR"}, "attributes": {"colour": None}, "version": 8})
    assert patch.changes == {"price": Price(9.0, "EUR"), "attributes": {"colour": None}}
    assert (patch.id, patch.version) == ("x", 8)
    assert parse_patch("x", {}).changes == {}


def test_null_in_a_patch_sets_a_field_back() -> None:
    assert parse_patch("x", {"price": None, "title": None, "in_stock": None}).changes == {"price": None, "title": "", "in_stock": True}


def test_a_patch_cannot_change_pictures() -> None:
    with pytest.raises(InvalidArgument, match="cannot change pictures"):
        parse_patch("x", {"images": [IMAGE]})


def test_attributes_are_removed_by_name() -> None:
    with pytest.raises(InvalidArgument, match="by its name"):
        parse_patch("x", {"attributes": None})


def test_the_document_of_a_stored_product() -> None:
    draft = parse_product("h1", FULL)
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    image = ProductImage("front", "ab", 800, 600, None, "https://shop.example/hoodie", "A. Photographer", moment)
    document = product_document(Product("h1", draft.details, (image,), 7, "hoodie", moment))
    assert json.loads(json.dumps(document)) == document
    assert {name: document[name] for name in FULL if name != "images"} == {name: value for name, value in FULL.items() if name != "images"}
    assert (document["product_id"], document["node"], document["updated_at"]) == ("h1", "hoodie", "2026-06-01T00:00:00+00:00")
    assert document["images"] == [
        {
            "id": "front",
            "uri": None,
            "page_url": "https://shop.example/hoodie",
            "creator": "A. Photographer",
            "published_at": "2026-06-01T00:00:00+00:00",
            "width": 800,
            "height": 600,
            "content_hash": "ab",
        }
    ]


@pytest.mark.parametrize(
    "document", [FULL, {"images": [IMAGE]}, {"images": [IMAGE], "in_stock": False, "price": {"amount": 0, "currency": "EUR"}}]
)
def test_a_draft_written_is_read_back(document: dict[str, Any]) -> None:
    draft = parse_product("a b", document)
    assert parse_product(None, json.loads(json.dumps(draft_document(draft)))) == draft


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # time belongs to the machine, not to the parser
@given(st.dictionaries(st.sampled_from([*FULL, "product_id", "junk"]), json_values))
def test_any_json_is_a_draft_or_an_error_with_a_sentence(document: dict[str, Any]) -> None:
    try:
        draft = parse_product("x", document)
    except InvalidArgument as error:
        sentence = str(error)
    else:
        assert draft.images
        return
    assert sentence.endswith(".")
