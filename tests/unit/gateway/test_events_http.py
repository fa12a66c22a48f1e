"""Events over HTTP: in their order, a line answered for each, a bad one told and the rest in effect."""

from __future__ import annotations

import json
from typing import Any

from fastapi.testclient import TestClient

from tests.unit.gateway.shop import Shop
from tests.unit.gateway.test_bad_requests import problem
from tests.unit.gateway.test_products_http import product

NDJSON = {"content-type": "application/x-ndjson"}


def told(client: TestClient, *events: dict[str, Any] | str) -> list[dict[str, Any]]:
    lines = "\n".join(event if isinstance(event, str) else json.dumps(event) for event in events)
    answer = client.post("/v1/events", content=lines, headers=NDJSON)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_events_take_effect_in_their_order(client: TestClient) -> None:
    answers = told(
        client,
        {"product_id": "new", **product(version=3)},
        {"op": "patch", "product_id": "new", "title": "Changed"},
        "",
        {"op": "patch", "product_id": "new", "title": "Late", "version": 2},
        {"product_id": "gone", **product()},
        {"op": "delete", "product_id": "gone"},
    )
    assert [(answer["line"], answer["product_id"], answer["ok"]) for answer in answers] == [
        (1, "new", True),
        (2, "new", True),
        (4, "new", True),
        (5, "gone", True),
        (6, "gone", True),
    ]
    assert client.get("/v1/products/new").json()["title"] == "Changed"
    assert client.get("/v1/products/gone").status_code == 404


def test_a_bad_line_is_told_with_its_number_and_the_rest_takes_effect(client: TestClient) -> None:
    answers = told(
        client,
        "{",
        {"op": "upset", "product_id": "a"},
        {"op": "patch", "product_id": "nobody", "title": "A"},
        {"op": "delete", "product_id": "nobody"},
        {"product_id": "good", **product()},
    )
    assert [answer["ok"] for answer in answers] == [False, False, False, False, True]
    assert "Line 1: This is not JSON" in answers[0]["error"]
    assert (answers[1]["product_id"], "upsert, patch, delete" in answers[1]["error"]) == ("a", True)
    assert "nobody" in answers[2]["error"]
    assert client.get("/v1/products/good").status_code == 200


def test_a_deletion_hands_its_version_on(client: TestClient, shop: Shop) -> None:
    told(client, {"op": "delete", "product_id": "p", "version": 9}, {"op": "delete", "product_id": "a-1"})
    assert shop.deletions == [("p", 9), ("a-1", None)]


def test_another_type_of_content_is_refused(client: TestClient) -> None:
    assert "application/x-ndjson" in problem(client.post("/v1/events", json={}), 415, "unsupported-media-type")["detail"]
