"""The command line's side of HTTP, against answers that are played."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from tenacity import wait_none

from services.standalone.server import BATCH_PRODUCTS, TRIES, RemoteShop
from shoplens.domain import ImageSource, ProductDetails, ProductDraft
from shoplens.errors import InvalidArgument, Overloaded, Unavailable, UnknownCategory

Handler = Callable[[httpx.Request], httpx.Response]


def shop(handler: Handler) -> RemoteShop:
    return RemoteShop("http://shop.example/", httpx.MockTransport(handler))


def drafts(count: int) -> list[ProductDraft]:
    return [ProductDraft(str(number), ProductDetails(), (ImageSource("1", b"picture"),)) for number in range(count)]


def test_an_import_goes_in_batches_and_comes_back_in_order() -> None:
    sizes = []

    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://shop.example/v1/products:import"
        products = [json.loads(line) for line in request.content.splitlines()]
        sizes.append(len(products))
        lines = [{"product_id": one["product_id"], "ok": one["product_id"] != "7", "error": None} for one in products]
        lines[7]["error"] = "Refused." if lines[7]["product_id"] == "7" else None
        return httpx.Response(200, text="\n".join(map(json.dumps, lines)))

    with shop(handler) as server:
        outcomes = list(server.put_many(drafts(BATCH_PRODUCTS + 10)))
    assert sizes == [BATCH_PRODUCTS, 10]
    assert [outcome.product_id for outcome in outcomes] == [str(number) for number in range(BATCH_PRODUCTS + 10)]
    assert [(outcome.product_id, outcome.error) for outcome in outcomes if not outcome.ok] == [("7", "Refused.")]


def test_nothing_is_sent_of_nothing() -> None:
    with shop(lambda request: httpx.Response(500)) as server:
        assert list(server.put_many([])) == []


def test_an_import_that_stops_midway_is_told() -> None:
    answer = '{"product_id": "0", "ok": true, "error": null}\n'
    with shop(lambda request: httpx.Response(200, text=answer)) as server, pytest.raises(Unavailable, match="stopped in the middle"):
        list(server.put_many(drafts(2)))


def test_a_search_passes_its_options() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = request.read()
        assert all(part in body for part in (b"photo-bytes", b'name="top_k"', b"\r\n5\r\n", b'name="category"', b"\r\ndress\r\n"))
        return httpx.Response(200, json={"verdict": "similar", "results": []})

    with shop(handler) as server:
        assert server.search(b"photo-bytes", {"top_k": "5", "category": "dress"}) == {"verdict": "similar", "results": []}


def problem(status: int, reason: str, detail: str) -> Handler:
    return lambda request: httpx.Response(status, json={"type": f"/problems/{reason}", "title": "T", "status": status, "detail": detail})


def test_a_problem_is_the_error_it_was() -> None:
    with shop(problem(400, "unknown-category", "There is no category 'x'.")) as server, pytest.raises(UnknownCategory, match="no category"):
        server.search(b"", {"category": "x"})
    with shop(problem(400, "invalid-argument", "No.")) as server, pytest.raises(InvalidArgument):
        server.search(b"", {})


@pytest.mark.parametrize("answer", [httpx.Response(502, text="<html>"), httpx.Response(404, json={}), httpx.Response(404, json=[])])
def test_somebody_else_answers(answer: httpx.Response) -> None:
    with shop(lambda request: answer) as server, pytest.raises(Unavailable, match="is a shoplens server there"):
        server.search(b"", {})


def test_nobody_answers() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    with shop(refuse) as server, pytest.raises(Unavailable, match="start one with `shoplens serve`"):
        server.search(b"", {})


@pytest.mark.parametrize(("refusals", "fine"), [(TRIES - 1, True), (TRIES, False)])
def test_an_import_waits_for_a_server_that_is_busy(refusals: int, fine: bool) -> None:
    busy = problem(429, "overloaded", "Too many imports at once.")
    left = [busy] * refusals

    def handler(request: httpx.Request) -> httpx.Response:
        return left.pop()(request) if left else httpx.Response(200, text='{"product_id": "0", "ok": true, "error": null}')

    with RemoteShop("http://shop.example", httpx.MockTransport(handler), between_tries=wait_none()) as server:
        if fine:
            assert [outcome.ok for outcome in server.put_many(drafts(1))] == [True]
        else:
            with pytest.raises(Overloaded, match="Too many imports"):
                list(server.put_many(drafts(1)))
