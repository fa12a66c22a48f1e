"""``POST /v1/search`` and "more like this": the answer's shape to the letter, and what reaches the engine."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from shoplens.domain import Box, Lack
from tests.unit.gateway.shop import Shop, picture

PHOTO = {"image": ("photo.jpg", picture(), "image/jpeg")}


def test_the_answer_has_exactly_the_contracts_keys(client: TestClient) -> None:
    answer = client.post("/v1/search", files=PHOTO).json()
    assert set(answer) == {"request_id", "model", "index", "regions", "region", "categories", "verdict", "results", "timings_ms"}
    assert answer["index"] == {"version": "tiny-1.3", "items": 3, "fresh_as_of": "2026-05-31T12:00:00Z"}
    assert answer["regions"][0] == {"box": [0.2, 0.05, 0.8, 0.5], "category": "top", "score": 0.93}
    assert answer["categories"][0] == {"name": "t-shirt", "probability": 0.72}
    assert answer["verdict"] == "same_product"
    assert answer["results"][0] == {
        "product_id": "a-1",
        "image_id": "front",
        "score": 0.9,
        "scores": {"visual": 0.9, "category": 0.8, "colour": None, "text": None, "attributes": None, "business": None},
        "title": "a-1",
        "price": None,
        "category": "Tops",
        "brand": "",
        "in_stock": True,
        "image_url": "/v1/products/a-1/images/front",
        "url": "",
    }


@pytest.mark.parametrize("path", ["/v1/search", "/v1/looks"])
def test_an_answer_says_what_it_lacks_and_only_then(client: TestClient, shop: Shop, path: str) -> None:
    assert "degraded" not in client.post(path, files=PHOTO).json()
    shop.degraded = (Lack.REGIONS, Lack.RANKING)
    assert client.post(path, files=PHOTO).json()["degraded"] == ["regions", "ranking"]


def test_a_product_that_its_shop_left_unnamed_has_our_name_for_it(client: TestClient) -> None:
    assert client.post("/v1/search", files=PHOTO).json()["results"][1]["category"] == "t-shirt"


def test_every_option_reaches_the_engine(client: TestClient, shop: Shop) -> None:
    options = {
        "box": "[0.1, 0.2, 0.6, 0.9]",
        "category": "Sneakers",
        "region_score": "0",
        "top_k": "2",
        "weights": '{"colour": 2, "visual": 0.5}',
        "explain": "true",
    }
    answer = client.post("/v1/search", files=PHOTO, data=options).json()
    (query,) = shop.queries
    assert query.box == Box(0.1, 0.2, 0.6, 0.9)
    assert (query.category, query.region_score, query.top_k, query.explain) == ("shoes", 0.0, 2, True)
    assert query.weights == {"colour": 2.0, "visual": 0.5}
    assert query.picture is not None
    assert query.picture.pixels.shape == (80, 60, 3)
    assert len(answer["results"]) == 2
    shares = answer["results"][0]["explanation"]
    assert shares[0] == {"part": "visual", "weight": 0.75, "value": 0.9}
    assert sum(share["weight"] * share["value"] for share in shares) == pytest.approx(answer["results"][0]["score"])
    assert answer["attributes"][0] == {"name": "gender", "value": "women", "probability": 0.9}


def test_defaults_are_twenty_results_and_no_explanation(client: TestClient, shop: Shop) -> None:
    client.post("/v1/search", files=PHOTO)
    assert (shop.queries[0].top_k, shop.queries[0].explain, shop.queries[0].box) == (20, False, None)


def test_a_photo_is_fetched_by_its_address(client: TestClient, shop: Shop) -> None:
    assert client.post("/v1/search", data={"url": "https://shop.example/a.jpg"}).status_code == 200
    assert shop.queries[0].picture is not None


def test_a_product_is_searched_for_by_its_id(client: TestClient) -> None:
    answer = client.post("/v1/search", data={"product_id": "a-1"}).json()
    assert [result["product_id"] for result in answer["results"]] == ["b-2", "c-3"]


def test_more_like_this_leaves_the_product_itself_out(client: TestClient) -> None:
    answer = client.get("/v1/products/b-2/similar", params={"top_k": 1}).json()
    assert [result["product_id"] for result in answer["results"]] == ["a-1"]


def test_the_request_id_is_the_callers_where_it_is_well_formed(client: TestClient) -> None:
    answer = client.post("/v1/search", files=PHOTO, headers={"X-Request-Id": "order-7"})
    assert (answer.headers["x-request-id"], answer.json()["request_id"]) == ("order-7", "order-7")
    strange = client.post("/v1/search", files=PHOTO, headers={"X-Request-Id": "a b{c}"})
    assert strange.headers["x-request-id"] != "a b{c}"
    assert strange.json()["request_id"] == strange.headers["x-request-id"]


def test_categories_are_the_whole_tree(client: TestClient) -> None:
    groups = {group["name"]: group["leaves"] for group in client.get("/v1/categories").json()["groups"]}
    assert groups["pants"] == ["trousers", "jeans"]
    assert "shoes" in groups


def test_the_openapi_document_describes_every_field_of_a_search(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    search = document["paths"]["/v1/search"]["post"]
    fields = search["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(fields) == {"image", "url", "product_id", "box", "category", "text", "filter", "region_score", "top_k", "weights", "explain"}
    assert all({"description"} <= set(each) for each in fields.values())
    assert "application/problem+json" in search["responses"]["400"]["content"]
    assert "422" not in json.dumps(document["paths"])
    named = set(document["components"]["schemas"])
    referred = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert referred <= named


def test_the_openapi_document_describes_every_field_there_is(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    silent = [
        f"{name}.{key}"
        for name, schema in schemas.items()
        for key, each in schema.get("properties", {}).items()
        if "description" not in each
    ]
    assert silent == []
