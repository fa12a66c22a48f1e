"""Products over HTTP: written, read, paged, imported; whatever their ids look like."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from services.gateway.http.product_schemas import PATCH_EXAMPLE, PRODUCT_EXAMPLE
from shoplens.domain import ImportOutcome, ProductDraft
from shoplens.errors import Unavailable
from shoplens.products import MAX_ID_BYTES, parse_patch, parse_product
from tests.unit.gateway.shop import Shop, picture
from tests.unit.gateway.test_bad_requests import problem

CONTENT = base64.b64encode(picture()).decode()


def product(**fields: Any) -> dict[str, Any]:
    return {"title": "Linen shirt", "images": [{"id": "front", "content": CONTENT}], **fields}


ODD_IDS = [
    "a/b",
    "a/similar",
    "a/images/front",
    "50 %",
    "%2F",
    "naïve",
    "衬衫",
    'say "hi"',
    "it's",
    "a?b#c",
    "a:b",
    "+1",
    "x" * MAX_ID_BYTES,
    "import",
]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_odd_id_works_everywhere(client: TestClient, odd: str) -> None:
    address = f"/v1/products/{quote(odd, safe='')}"
    put = client.put(address, json=product())
    assert put.status_code == 200, put.text
    assert put.json()["product_id"] == odd
    assert client.get(address).json()["product_id"] == odd
    assert client.get(f"{address}/similar").status_code == 200
    (image,) = put.json()["images"]
    assert client.get(image["image_url"]).content == picture()
    found = client.post("/v1/search", data={"product_id": "a-1"}).json()["results"]
    assert client.get(next(each["image_url"] for each in found if each["product_id"] == odd)).status_code == 200
    assert client.patch(address, json={"in_stock": False}).json()["in_stock"] is False
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("bad", ["%00", "a%0Ab", "%FF", "x" * (MAX_ID_BYTES + 1), quote("é" * MAX_ID_BYTES), "%2E%2E", "%7F"])
def test_an_id_that_will_not_do_is_a_clear_problem(client: TestClient, bad: str) -> None:
    problem(client.put(f"/v1/products/{bad}", json=product()), 400, "invalid-field", "product_id")


def test_an_address_may_percent_encode_what_it_need_not(client: TestClient) -> None:
    assert client.get("/v1/products/%61-1").json()["product_id"] == "a-1"
    assert client.post("/v1/products%3Aimport", content=b"", headers={"content-type": "application/x-ndjson"}).status_code == 200


def test_a_product_is_shown_as_the_contract_has_it(client: TestClient) -> None:
    client.put("/v1/products/p", json=product(price={"amount": 59.9, "currency": "EUR"}, attributes={"sizes": ["S", "M"], "eco": True}))
    shown = client.get("/v1/products/p").json()
    assert set(shown) == {
        "product_id", "title", "description", "category", "brand", "price", "in_stock", "url", "attributes", "version", "images",
        "node", "updated_at",
    }  # fmt: skip
    assert shown["price"] == {"amount": 59.9, "currency": "EUR"}
    assert shown["attributes"] == {"sizes": ["S", "M"], "eco": True}
    assert set(shown["images"][0]) == {
        "id", "image_url", "width", "height", "content_hash", "uri", "page_url", "creator", "published_at",
    }  # fmt: skip


def test_an_older_version_changes_nothing(client: TestClient) -> None:
    client.put("/v1/products/p", json=product(title="new", version=5))
    assert client.put("/v1/products/p", json=product(title="old", version=4)).json()["title"] == "new"


def test_two_writes_at_once_leave_one_of_them_whole(client: TestClient) -> None:
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda title: client.put("/v1/products/p", json=product(title=title, brand=title)), ("one", "two")))
    assert [answer.status_code for answer in answers] == [200, 200]
    stored = client.get("/v1/products/p").json()
    assert stored["title"] == stored["brand"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"title": "no pictures"}, "images"),
        (product(images=[]), "images"),
        (product(titel="x"), "titel"),
        (product(images=[{"content": "%%%"}]), "base64"),
        (product(images=[{"content": CONTENT, "uri": "https://x.example/a"}]), "either content"),
        (product(price={"amount": -1, "currency": "EUR"}), "price.amount"),
        (product(price={"amount": 1, "currency": "euro"}), "price.currency"),
        ([], "object"),
    ],
)
def test_a_product_that_will_not_do(client: TestClient, body: Any, says: str) -> None:
    found = problem(client.put("/v1/products/p", json=body), 400, "invalid-argument")
    assert says in found["detail"]
    assert client.get("/v1/products/p").status_code == 404


def test_a_body_that_is_not_json(client: TestClient) -> None:
    problem(client.put("/v1/products/p", content=b"{", headers={"content-type": "application/json"}), 400, "invalid-argument")
    problem(client.put("/v1/products/p", content=b"{}", headers={"content-type": "text/plain"}), 415, "unsupported-media-type")
    nan = json.dumps(product(price={"amount": float("nan"), "currency": "EUR"}))
    problem(client.put("/v1/products/p", content=nan, headers={"content-type": "application/json"}), 400, "invalid-argument")
    deep = b"[" * 100_000
    problem(client.put("/v1/products/p", content=deep, headers={"content-type": "application/json"}), 400, "invalid-argument")


def test_a_patch_of_pictures_or_of_nobody(client: TestClient) -> None:
    problem(client.patch("/v1/products/a-1", json={"images": []}), 400, "invalid-argument")
    problem(client.patch("/v1/products/nobody", json={"in_stock": False}), 404, "not-found")
    problem(client.delete("/v1/products/nobody"), 404, "not-found")


def test_paging_reaches_every_product_once(client: TestClient) -> None:
    seen, token = [], ""
    while True:
        page = client.get("/v1/products", params={"page_size": 2, "page_token": token}).json()
        assert set(page) == {"products", "next_page_token"}
        seen += [each["product_id"] for each in page["products"]]
        token = page["next_page_token"]
        if not token:
            break
    assert seen == ["a-1", "b-2", "c-3"]


def lines(client: TestClient, body: bytes) -> list[dict[str, Any]]:
    answer = client.post("/v1/products:import", content=body, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_an_import_answers_each_line_and_goes_on_after_a_bad_one(client: TestClient, shop: Shop) -> None:
    damaged = base64.b64encode(b"no picture").decode()
    sent = [
        json.dumps(product(product_id="one")),
        "not json",
        "",
        json.dumps(product(product_id="two", colour="red")),
        json.dumps(product(product_id="three", images=[{"content": damaged}])),
        json.dumps(product()),
        json.dumps(product(product_id="four")),
        "[]",
    ]
    answers = lines(client, "\n".join(sent).encode())
    assert [set(answer) for answer in answers] == [{"line", "product_id", "ok", "error"}] * 7
    assert [(answer["line"], answer["product_id"], answer["ok"]) for answer in answers] == [
        (1, "one", True),
        (2, "", False),
        (4, "two", False),
        (5, "three", False),
        (6, "", False),
        (7, "four", True),
        (8, "", False),
    ]
    assert all((answer["error"] is None) == answer["ok"] for answer in answers)
    assert "Line 4" in answers[2]["error"]
    assert {"one", "four"} <= set(shop.products)
    assert not {"two", "three"} & set(shop.products)


def test_an_import_that_stops_says_where(client: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopping(drafts: Iterable[ProductDraft]) -> Iterator[ImportOutcome]:
        yield ImportOutcome(next(iter(drafts)).id, ok=True)
        raise Unavailable("The catalogue is away; try again.")

    monkeypatch.setattr(shop, "put_many", stopping)
    body = "\n".join(json.dumps(product(product_id=each)) for each in ("one", "two")).encode()
    first, last = lines(client, body)
    assert (first["product_id"], first["ok"]) == ("one", True)
    assert last["error"] == "The import stopped here: The catalogue is away; try again."


def test_an_import_of_nothing_answers_nothing(client: TestClient) -> None:
    assert lines(client, b"") == []
    assert lines(client, b"\n \n") == []


def test_an_import_wants_ndjson(client: TestClient) -> None:
    problem(client.post("/v1/products:import", json={}), 415, "unsupported-media-type")


def test_the_documented_examples_are_taken(client: TestClient) -> None:
    assert parse_product("SKU-1042", PRODUCT_EXAMPLE).details.title == "Linen shirt"
    assert parse_patch("SKU-1042", PATCH_EXAMPLE).changes["in_stock"] is False
    documented = client.get("/openapi.json").json()["components"]["schemas"]["ProductIn"]
    assert set(documented["properties"]) == {*PRODUCT_EXAMPLE}
    assert set(documented["properties"]["images"]["items"]) == {"$ref"}


def test_pictures_are_cached_by_content_and_come_small_on_demand(client: TestClient) -> None:
    whole = client.get("/v1/products/a-1/images/front")
    assert whole.headers["content-type"] == "image/jpeg"
    assert "max-age" in whole.headers["cache-control"]
    again = client.get("/v1/products/a-1/images/front", headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    small = client.get("/v1/products/a-1/images/front?width=160")
    assert small.headers["content-type"] == "image/jpeg"
    assert small.headers["etag"] != whole.headers["etag"]
    problem(client.get("/v1/products/a-1/images/none"), 404, "not-found")
