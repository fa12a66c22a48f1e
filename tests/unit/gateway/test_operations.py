"""Alive, ready, measured, bounded; and safe headers on everything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from shoplens.errors import Unavailable
from tests.unit.gateway.shop import Shop, picture
from tests.unit.gateway.test_bad_requests import problem

PHOTO = {"image": ("photo.jpg", picture(), "image/jpeg")}


def counted(route: str, method: str, status: str) -> float:
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("shoplens_http_seconds_count", labels) or 0.0


def test_alive_is_not_ready(connect: Callable[..., TestClient]) -> None:
    def loading() -> None:
        raise Unavailable("the index is being built.")

    def broken() -> None:
        raise RuntimeError("secret")

    client = connect({"index": loading, "models": lambda: None, "cache": broken})
    assert client.get("/healthz").json() == {"status": "ok"}
    found = problem(client.get("/readyz"), 503, "unavailable")
    assert "index: the index is being built." in found["detail"]
    assert "models" not in found["detail"]
    assert "secret" not in found["detail"]
    assert connect().get("/readyz").json() == {"status": "ready", "parts": {"index": "ready"}}


def test_a_part_that_only_helps_is_waited_for_once_and_may_go_away_later(connect: Callable[..., TestClient]) -> None:
    away = True

    def ranker() -> None:
        if away:
            raise Unavailable("The ranker cannot be reached.")

    client = connect({"index": lambda: None, "ranker": ranker}, optional=["ranker"])
    assert "ranker" in problem(client.get("/readyz"), 503, "unavailable")["detail"]
    away = False
    assert client.get("/readyz").json()["parts"] == {"index": "ready", "ranker": "ready"}
    away = True
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"index": "ready", "ranker": "The ranker cannot be reached."}


def test_requests_are_measured_by_route_template(client: TestClient) -> None:
    ok = counted("/v1/products/{product_id}", "GET", "200")
    missing = counted("/v1/products/{product_id}", "GET", "404")
    none = counted("none", "GET", "404")
    client.get("/v1/products/a-1")
    client.get("/v1/products/a%2Fb")
    client.get("/somewhere/else")
    assert counted("/v1/products/{product_id}", "GET", "200") == ok + 1
    assert counted("/v1/products/{product_id}", "GET", "404") == missing + 1
    assert counted("none", "GET", "404") == none + 1
    assert "shoplens_http_seconds_bucket" in client.get("/metrics").text


def test_one_search_too_many_is_turned_away(connect: Callable[..., TestClient], shop: Shop) -> None:
    client = connect(searches_at_once=1, searches_waiting=0)
    inside, leave = threading.Event(), threading.Event()

    def linger() -> None:
        inside.set()
        leave.wait(20)

    shop.meanwhile = linger
    with ThreadPoolExecutor(1) as other:
        first = other.submit(client.post, "/v1/search", files=PHOTO)
        assert inside.wait(20)
        answer = client.post("/v1/search", files=PHOTO)
        assert client.get("/v1/products/a-1").status_code == 200
        leave.set()
        assert first.result().status_code == 200
    problem(answer, 429, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert client.post("/v1/search", files=PHOTO).status_code == 200


def test_a_search_that_takes_too_long_is_given_up(connect: Callable[..., TestClient], shop: Shop) -> None:
    client = connect(search_timeout_s=0.05)
    leave = threading.Event()
    shop.meanwhile = lambda: leave.wait(20)
    try:
        problem(client.post("/v1/search", files=PHOTO), 504, "deadline-exceeded")
    finally:
        leave.set()


def test_everything_carries_safe_headers(client: TestClient) -> None:
    for path in ("/v1/products/a-1", "/nowhere", "/healthz"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "img-src 'self' data: blob:" in policy


def test_the_page_holds_nothing_inline_and_nothing_from_elsewhere(client: TestClient) -> None:
    for path in ("/", "/docs"):
        text = client.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert "onclick" not in text
        assert 'src="http' not in text
        assert all("src=" in tag for tag in text.split("<script")[1:])


def test_status_credits_and_what_a_problem_means(client: TestClient) -> None:
    assert client.get("/v1/status").json()["products"] == 3
    assert client.get("/v1/credits").json() == [{"text": "Artwork by somebody", "url": "https://example.org", "licence": "CC BY 4.0"}]
    assert "Unknown category" in client.get("/problems/unknown-category").text
